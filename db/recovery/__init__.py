"""What is done again of what a submission left undone."""
