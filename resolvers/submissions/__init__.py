"""Reading and watching submissions, and asking something of their jobs."""
