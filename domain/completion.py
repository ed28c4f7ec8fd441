"""When a submission's outputs are usable."""

from dataclasses import dataclass

from domain.stages import Completion


@dataclass(frozen=True, slots=True)
class Tally:
    """What is known of a submission (with its recoveries, if it is an origin) when its jobs are over.

    Counted are inputs, or of a generator its units: `wanted` those that were done, by it or its recoveries
    (of a generator: all), `located` those of which every output pattern has a located file.
    """

    completion: Completion
    percentage: int
    wanted: int
    located: int
    is_recovery: bool
    completed: bool = True
    """Its batch work is over as it should be, or that of one of its recoveries is."""


def is_located(tally: Tally) -> bool:
    """Enough of the expected outputs are there; nothing wanted is enough only for a recovery."""
    if tally.completion is Completion.COMPLETE:
        return tally.completed
    if tally.wanted == 0:
        return tally.is_recovery
    return tally.located * 100 >= tally.wanted * tally.percentage
