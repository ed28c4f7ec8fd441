"""When a launch begins, with what, and what follows from how it ends."""
