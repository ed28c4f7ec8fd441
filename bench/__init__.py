"""Runnable benchmarks: each has a peer or a floor in the same run, and prints ratios."""
