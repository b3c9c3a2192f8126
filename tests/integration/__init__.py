"""Tests of parts on a real Kafka."""
