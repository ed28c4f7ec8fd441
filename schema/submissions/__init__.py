"""Submissions with their jobs and files, as a client sees and watches them."""
