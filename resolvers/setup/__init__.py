"""Reading and saving what launches are made with."""
