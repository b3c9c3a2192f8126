"""Whole record batches instead of single records: read in one pass, copied where nothing changes, written as one.

``reading``, ``writing``, ``varints`` and ``partitioning`` are about bytes alone; ``consuming`` and ``producing`` are where
the client's own names are leaned on; ``sending`` serves transactions, ``publishing`` the generator.
"""
