"""What is fraud. Pure: a transaction in, a verdict or None out; no client, no clock, no environment."""
