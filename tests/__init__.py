"""Tests: unit (no network), contracts, integration (a real Kafka), e2e (whole services)."""
