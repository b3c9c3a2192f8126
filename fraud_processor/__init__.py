"""The fraud processor: raises the alarm for what was taken for fraud."""
