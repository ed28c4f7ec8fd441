"""What is done again, and what follows when a submission is over."""
