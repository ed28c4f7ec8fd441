"""Batch systems and the installation, as a client sees them."""
