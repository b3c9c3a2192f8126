"""The auditor: reads the topics back and accounts for every transaction by its coordinates."""
