"""Submissions, their jobs and units, and what jobs report."""
