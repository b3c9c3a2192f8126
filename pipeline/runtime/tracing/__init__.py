"""Traces by OpenTelemetry, of some transactions, from their producer to whoever is told; only where asked for."""
