"""Reading and filling datasets."""
