"""Whole record batches instead of single records: read in one pass, copied where nothing changes, written as one."""
