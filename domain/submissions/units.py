"""Work units: what must be done, and survives every recovery of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

UNKNOWN_BYTES = 2**62
"""What a file of unknown size weighs: more than any bound, so that no slice and no job gets more bytes than it may."""
MOST_EPOCHS = 127
"""So many epochs of a generator, and of its tests, have seeds and runs of their own."""


@dataclass(frozen=True, slots=True)
class UnitIdentity:
    """Who a generator's unit is; a recovery makes the very same events again."""

    index: int
    seed: int
    run: int
    subrun: int
    first_event: int
    events: int


def make_identity(stage_id: int, epoch: int, index: int, events: int) -> UnitIdentity:
    """The identity of one unit: unique over stages, epochs (those of tests too) and indices.

    The run says which stage and epoch, the subrun which unit; event numbers go on from unit to unit.
    """
    return UnitIdentity(
        index=index,
        seed=(stage_id << 40) + ((epoch % 256) << 32) + index + 1,
        run=stage_id * 1000 + epoch % 1000,
        subrun=index + 1,
        first_event=index * events + 1,
        events=events,
    )


def make_identities(
    stage_id: int, epoch: int, low: int, high: int, events: int
) -> list[UnitIdentity]:
    """The units of a generator's slice."""
    return [make_identity(stage_id, epoch, index, events) for index in range(low, high)]


@dataclass(frozen=True, slots=True)
class JobBounds:
    """What one job gets at most: all of them hold."""

    files: int
    bytes: int | None = None
    events: int | None = None

    @property
    def weigh(self) -> bool:
        """They bound more than the number of files."""
        return self.bytes is not None or self.events is not None


@dataclass(slots=True)
class JobDivision:
    """Divides files among jobs, in their order: each job takes the next ones while they fit its bounds.

    A file that alone is over them, or of unknown size where bytes are bounded, is a job of its own; one without a
    number of events counts none.
    """

    bounds: JobBounds
    starts: list[int] = field(default_factory=list)
    """The place (from 0) of each job's first file."""
    _place: int = 0
    _bytes: int = 0
    _events: int = 0

    def add(self, weights: Iterable[tuple[int, int]]) -> None:
        """The next files, each as its (bytes, events)."""
        most, most_bytes = self.bounds.files, self.bounds.bytes or inf
        most_events = self.bounds.events or inf
        place, bytes_, events = self._place, self._bytes, self._events
        first = self.starts[-1] if self.starts else -most
        for more_bytes, more_events in weights:
            bytes_ += more_bytes
            events += more_events
            if place - first >= most or bytes_ > most_bytes or events > most_events:
                self.starts.append(place)
                first, bytes_, events = place, more_bytes, more_events
            place += 1
        self._place, self._bytes, self._events = place, bytes_, events


def list_job_starts(files: int, files_per_job: int) -> list[int]:
    """The place of each job's first file, where only their number is bounded."""
    return list(range(0, files, files_per_job))
