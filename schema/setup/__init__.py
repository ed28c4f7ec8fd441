"""What launches are made with, as a client sees it."""
