"""The detector: judges every transaction and routes it to legit or fraud, with the reasons."""
