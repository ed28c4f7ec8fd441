"""Batch systems: admission, discrepancies, and whose installation this is."""
