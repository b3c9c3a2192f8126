"""The whole pipeline on one machine without Docker: a real Kafka, all services as processes, and a live view."""
