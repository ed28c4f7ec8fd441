"""The loops of workers that every installation has; others are of one batch system each."""

from collections.abc import Mapping

LOOPS = (
    "relay",
    "advance",
    "act",
    "repair",
    "promote",
    "launch",
    "sweep",
    "schedule",
    "credentials",
    "renewals",
    "file_checks",
    "listings",
    "catalog_launches",
    "summaries",
    "approvals",
)
"""By the names under which they are measured, and by which things that were set aside are called."""

MOST_QUIET_S = 60.0
"""A loop of which no step has ended well for so long makes no progress."""


def list_stalled_loops(ages: Mapping[str, float]) -> dict[str, float | None]:
    """Loops that make no progress, and for how long; None: nobody has ever run it. `ages` are of good steps, in s."""
    never: dict[str, float | None] = {name: None for name in LOOPS if name not in ages}
    return never | {name: age for name, age in ages.items() if age > MOST_QUIET_S}
