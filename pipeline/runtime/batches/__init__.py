"""Whole record batches instead of single records: read in one pass, copied where nothing changes, written as one.

So far the bytes alone (varints, records, batches to write); the loop moves single records until the rest is there.
"""
