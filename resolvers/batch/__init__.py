"""Batch systems, discrepancies, and the installation."""
