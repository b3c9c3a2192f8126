"""Measurements of the project, each a command with ``--help``: ``python -m bench.audit_memory``."""
