"""What is to be expected of jobs, from what jobs like them have used."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

LEAST = 20
"""Of fewer jobs nothing is said."""
MOST = 1_000
"""So many, the newest, are looked at."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What half of the jobs stay under, and nine of ten."""

    samples: int
    median: float | None = None
    p90: float | None = None


def estimate_usage(used: Sequence[float]) -> Estimate:
    """The estimate from what each job of a sample used."""
    if len(used) < LEAST:
        return Estimate(len(used))
    return Estimate(len(used), median(used), quantiles(used, n=10, method="inclusive")[8])
