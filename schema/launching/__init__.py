"""What a launch would be, what it waits for and what comes of it, as a client sees it."""
