"""The ledger: what was settled, in double entry, once."""
