"""The Kafka clients, set up once for the whole project: what kafka-python needs to be told is told here."""
