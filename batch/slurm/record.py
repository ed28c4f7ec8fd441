"""What a cluster keeps of jobs that its queue has forgotten: a file of completions, accounting, or nothing."""

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from batch.slurm.order import Name
from batch.slurm.queue import Task

Ends = Mapping[tuple[int, int], Task]
"""How tasks ended, by array and task; what came of an array's unstarted rest as task -1."""
REST = -1


class Kept(NamedTuple):
    """What is kept of a mark."""

    names: Mapping[int, Name]
    """The arrays that carried it."""
    proof: str | None = None
    """Why what neither the queue nor this has was never there; None: that can't be told."""
    doubt: str = ""
    """Why not, where it is not always so."""


class Record(Protocol):
    """A cluster's memory beyond its queue; the queue is read first, so that nothing slips through between the two."""

    @property
    def proof(self) -> str:
        """What it adds to the proof of absence that the queue gives."""

    def ended(self, sets: Mapping[str, Collection[int]]) -> Mapping[str, Ends]:
        """How the tasks of these sets (with their arrays) ended. Raises what calls raise while that can't be told."""

    def kept(self, mark: str, began: float | None) -> Kept:
        """What it has of a mark whose launch began then; never raises."""


class NoRecord:
    """Nothing that we can read."""

    proof = (
        "; nothing that we can read keeps them longer: absence is proven only while a launch is"
        " younger than that, and jobs that went unseen are judged by their payload's report"
    )

    def ended(self, sets: Mapping[str, Collection[int]]) -> Mapping[str, Ends]:
        """Nothing."""
        return {}

    def kept(self, mark: str, began: float | None) -> Kept:
        """Nothing, which says nothing."""
        return Kept({})
