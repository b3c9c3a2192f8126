"""Tests of single modules: no network, no Kafka, no clock that is waited for."""
