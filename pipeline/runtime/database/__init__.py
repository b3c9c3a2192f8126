"""Databases beside Kafka: how one is reached, brought up to date, and how far its effects go."""
