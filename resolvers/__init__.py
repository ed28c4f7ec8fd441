"""What happens when a client asks: a folder for each group of nouns, one class per noun and root."""
