"""Requests with their revisions, what was decided on them, and whether campaigns may launch by that."""
