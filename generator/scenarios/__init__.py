"""The realistic scenario: a population with habits, frauds among it, and simulated time. Pure throughout."""
