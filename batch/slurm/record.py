"""What a cluster keeps of jobs that its queue has forgotten: a file of completions, accounting, or nothing."""

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from batch.slurm.order import ArrayName
from batch.slurm.queue import ArrayTask

Ends = Mapping[tuple[int, int], ArrayTask]
"""How tasks ended, by array and task; what came of an array's unstarted rest as task -1."""
REST = -1


class LaunchTraces(NamedTuple):
    """What a launch directory tells of when it was made."""

    age_s: float | None = None
    """For how long it has been there; None: it is not there."""
    state: str = ""
    """What the record was like before anything of it was submitted."""


class MarkRecord(NamedTuple):
    """What is kept of a mark."""

    names: Mapping[int, ArrayName]
    """The arrays that carried it."""
    proof: str | None = None
    """Why what neither the queue nor this has was never there; None: that can't be told."""
    doubt: str = ""
    """Why not, where it is not always so."""


class JobRecord(Protocol):
    """A cluster's memory beyond its queue; the queue is read first, so that nothing slips through between the two."""

    @property
    def proof(self) -> str:
        """What it adds to the proof of absence that the queue gives."""

    def read_ends(self, sets: Mapping[str, Collection[int]]) -> Mapping[str, Ends]:
        """How the tasks of these sets (with their arrays) ended. Raises what calls raise while that can't be told."""

    def read_mark(self, mark: str, traces: LaunchTraces) -> MarkRecord:
        """What it has of a mark; never raises."""

    def state(self) -> str:
        """By which it is known later that it has not lost anything since."""


class NoRecord:
    """Nothing that we can read."""

    proof = (
        "; nothing that we can read keeps them longer: absence is proven only while a launch is"
        " younger than that, and jobs that went unseen are judged by their payload's report"
    )

    def read_ends(self, sets: Mapping[str, Collection[int]]) -> Mapping[str, Ends]:
        """Nothing."""
        return {}

    def read_mark(self, mark: str, traces: LaunchTraces) -> MarkRecord:
        """Nothing, which says nothing."""
        return MarkRecord({})

    def state(self) -> str:
        """Nothing, either."""
        return ""
