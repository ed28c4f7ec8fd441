"""Batch systems: their state and feeds, and what they and the database say differently."""
