"""Tests of what the services agree on: examples, registries, and the rules that hold for all of the code."""
