"""What a day of frauds came to."""
