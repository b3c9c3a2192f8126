"""The generator: makes up transactions and sends them at a steady rate."""
