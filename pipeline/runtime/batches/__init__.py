"""Whole record batches instead of single records: read in one pass, copied where nothing changes, written as one.

``reading``, ``writing``, ``varints`` and ``partitioning`` are about bytes alone; ``consuming``, ``whole``, ``fetching``
and ``producing`` use names of the client that are not public; ``sending`` serves transactions, ``publishing`` the
generator.
"""
