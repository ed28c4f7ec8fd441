"""What travels with a job. Standard library only, Python 3.9 or later: it runs on worker nodes."""
