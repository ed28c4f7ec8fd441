"""Requests, what is decided on them, and the rules of who has to agree."""
