"""Submissions with their jobs and files, from the first job to the last result."""
