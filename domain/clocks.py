"""How far a host's clock is from the database's, which is the one that decides."""

MOST_OFFSET_S = 2.0
"""A host whose clock is further away is told of: its own logs and the files that it dates mislead."""


def measure_offset(before: float, there: float, after: float) -> float:
    """By how much our clock, read before and after the other one, is ahead of it; 0 where it may be right."""
    if before <= there <= after:
        return 0.0
    return before - there if there < before else after - there
