"""Tests of whole services, as a user runs them."""
