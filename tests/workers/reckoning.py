"""What came of launches under faults, counted at the batch system and in the payloads' own journals."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from batch import BatchSystem
from db.pool import Pool
from domain.discrepancies import Cluster, DiscrepancyKind
from domain.launches import prefix, submission_of
from tests.workers.places import POINTS
from tests.workers.restores import starts

HISTORIES = (
    "SELECT history_id::text FROM change_head UNION SELECT history_id::text FROM past_history"
)
CALLED_OFF = "SELECT id FROM submission WHERE state = 'cancelled' OR batch_system <> $1"
"""Those that were to run at most once."""
TOLD = "SELECT native_id, kind, submission_id FROM discrepancy"


@dataclass(frozen=True)
class Row:
    """What came of the launches during which one kind of fault was inflicted."""

    fault: str
    inflicted: int
    launches: int
    lost: int
    """Launches of which no cluster ran, though nobody had called them off."""
    twice: int
    """Launches of which more than one cluster ran."""
    forgotten: int
    """Those lost that the batch system itself forgot after they were opened, each a discrepancy."""
    inert: int
    """Clusters that never ran."""
    unreported: int
    """Those among them that are still in the queue and no discrepancy."""
    again: int
    """Jobs that the batch system itself started more than once."""

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.twice or self.unreported)


@dataclass(frozen=True)
class Kept:
    """Which submissions were made while one kind of fault was inflicted."""

    fault: str
    inflicted: int
    ids: frozenset[int]


@dataclass
class Reckoning:
    """What a batch system, the payloads and the database say of all launches of a house."""

    clusters: Sequence[Cluster]
    starts: Mapping[tuple[str, str], int]
    """How often each job began, by mark and number."""
    called_off: frozenset[int]
    reported: frozenset[str]
    vanished: frozenset[int]
    ran: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        there = Counter(submission_of(c.mark) for c in self.clusters if c.started)
        began = Counter(submission_of(mark) for mark in {mark for mark, _ in self.starts})
        # Of what ran the queue may have forgotten some; of what was started some may not have come to its payload.
        for id in there.keys() | began.keys():
            self.ran[id or 0] = max(there[id], began[id])

    def row(self, kept: Kept) -> Row:
        missing = {id for id in kept.ids if not self.ran.get(id)} - self.called_off
        inert = [c for c in self.clusters if submission_of(c.mark) in kept.ids and not c.started]
        began = [n for (mark, _), n in self.starts.items() if submission_of(mark) in kept.ids]
        return Row(
            kept.fault,
            kept.inflicted,
            len(kept.ids),
            lost=len(missing - self.vanished),
            twice=sum(self.ran.get(id, 0) > 1 for id in kept.ids),
            forgotten=len(missing & self.vanished),
            inert=len(inert),
            unreported=sum(bool(c.jobs) and c.native_id not in self.reported for c in inert),
            again=sum(n > 1 for n in began),
        )


async def reckon(db: Pool, system: BatchSystem, spool: Path) -> Reckoning:
    """Ask them all."""
    histories = [row["history_id"] for row in await db.fetch(HISTORIES)]
    told = await db.fetch(TOLD)
    return Reckoning(
        # Of this house alone: other tests have launched into the same pool.
        await system.marked([prefix(history) for history in histories]),
        starts(spool),
        frozenset(row["id"] for row in await db.fetch(CALLED_OFF, system.name)),
        frozenset(row["native_id"] for row in told),
        frozenset(r["submission_id"] for r in told if r["kind"] == DiscrepancyKind.VANISHED),
    )


def table(rows: Sequence[Row]) -> str:
    """For docs/chaos.md."""
    head = (
        "| fault | inflicted | launches | lost | twice | forgotten by the batch system, each reported "
        "| inert clusters, each reported | jobs that the batch system ran again |\n"
        + "|---" * 8
        + "|"
    )
    lines = [
        f"| {r.fault} | {r.inflicted} | {r.launches} | {r.lost} | {r.twice} | {r.forgotten} | {r.inert} | {r.again} |"
        for r in rows
    ]
    return "\n".join([head, *lines])


def places(died: Mapping[str, int]) -> str:
    """How many workers died where, of all places that the code has; for docs/chaos.md."""
    lines = ["| place | died before it | died after it |", "|---|---|---|"]
    for name in dict.fromkeys(point.rpartition(".")[0] for point in POINTS):
        told = [died.get(f"{name}.{side}", 0) or "not reached" for side in ("before", "after")]
        lines.append(f"| `{name}` | {told[0]} | {told[1]} |")
    reached = sum(bool(died.get(point)) for point in POINTS)
    return "\n".join([*lines, "", f"Reached: {reached} of {len(POINTS)}."])
