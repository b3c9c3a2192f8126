"""Compiles the innermost loop, which runs all the same without: ``make compiled``; ``make interpreted`` undoes it."""
