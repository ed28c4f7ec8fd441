"""What came of launches under faults, counted at the batch system and in the payloads' own journals."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from batch import BatchSystem
from db.pool import Pool
from domain.batch.reconciliation import ReportedCluster
from domain.discrepancies import DiscrepancyKind
from domain.launching.launches import format_mark_prefix, parse_submission_id
from tests.workers.house import House
from tests.workers.kill_points import POINTS
from tests.workers.restores import count_starts
from tests.workers.results_checks import find_without_results

log = logging.getLogger("chaos")
HISTORIES = (
    "SELECT history_id::text FROM change_head UNION SELECT history_id::text FROM past_history"
)
CALLED_OFF = "SELECT id FROM submission WHERE state = 'cancelled' OR batch_system <> $1"
"""Those that were to run at most once."""
LIVE = "SELECT id FROM submission WHERE ended_at IS NULL"
OF_STAGE = "SELECT id FROM submission WHERE stage_id = $1"
DESCRIBED = """
    SELECT s.id, s.state, s.reason, c.native_id, j.number, j.state, j.attempt, j.reason, j.exit_code, j.code, j.text
      FROM submission s LEFT JOIN job j ON j.submission_id = s.id LEFT JOIN cluster c ON c.submission_id = s.id
     WHERE s.id = ANY($1::bigint[])
"""
TOLD = "SELECT native_id, kind, submission_id FROM discrepancy"


@dataclass(frozen=True)
class FaultRow:
    """What came of the launches during which one kind of fault was inflicted."""

    fault: str
    inflicted: int
    launches: int
    lost: int
    """Launches of which no cluster ran, though nobody had called them off; and turns of a schedule that nobody took."""
    twice: int
    """Launches of which more than one cluster ran; and turns of a schedule that were taken again."""
    forgotten: int
    """Those lost that the batch system itself forgot after they were opened, each a discrepancy."""
    stuck: int
    """Launches that are live here long after the last fault."""
    empty: int
    """Launches that are located and have not each of their results once."""
    inert: int
    """Clusters that never ran."""
    unreported: int
    """Those among them that are still in the queue and no discrepancy."""
    again: int
    """Jobs that the batch system itself started more than once."""

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.twice or self.stuck or self.empty or self.unreported)


@dataclass(frozen=True)
class InflictedFault:
    """Which submissions were made while one kind of fault was inflicted."""

    fault: str
    inflicted: int
    ids: frozenset[int]
    turns: int = 0
    """So many turns of the schedule were due."""


@dataclass
class ChaosAccounting:
    """What a batch system, the payloads and the database say of all launches of a house."""

    clusters: Sequence[ReportedCluster]
    starts: Mapping[tuple[str, str], int]
    """How often each job began, by mark and number."""
    called_off: frozenset[int]
    reported: frozenset[str]
    vanished: frozenset[int]
    live: frozenset[int]
    without_results: Mapping[int, str]
    of_schedule: frozenset[int]
    """What a schedule has launched."""
    ran: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        there = Counter(parse_submission_id(c.mark) for c in self.clusters if c.started)
        began = Counter(parse_submission_id(mark) for mark in {mark for mark, _ in self.starts})
        # Of what ran the queue may have forgotten some; of what was started some may not have come to its payload.
        for id in there.keys() | began.keys():
            self.ran[id or 0] = max(there[id], began[id])

    def find_lost(self, kept: InflictedFault) -> frozenset[int]:
        """Of which nothing ran, though nobody has called them off, and that no discrepancy calls vanished."""
        missing = {id for id in kept.ids if not self.ran.get(id)}
        return frozenset(missing - self.vanished - self.called_off)

    def row(self, kept: InflictedFault) -> FaultRow:
        missing = {id for id in kept.ids if not self.ran.get(id)}
        turns_taken = len(kept.ids & self.of_schedule)
        inert = [
            c for c in self.clusters if parse_submission_id(c.mark) in kept.ids and not c.started
        ]
        began = [n for (mark, _), n in self.starts.items() if parse_submission_id(mark) in kept.ids]
        return FaultRow(
            kept.fault,
            kept.inflicted,
            len(kept.ids),
            lost=len(self.find_lost(kept)) + max(0, kept.turns - turns_taken),
            twice=sum(self.ran.get(id, 0) > 1 for id in kept.ids)
            + max(0, turns_taken - kept.turns),
            forgotten=len(missing & self.vanished),
            stuck=len(kept.ids & self.live),
            empty=len(kept.ids & self.without_results.keys()),
            inert=len(inert),
            unreported=sum(bool(c.jobs) and c.native_id not in self.reported for c in inert),
            again=sum(n > 1 for n in began),
        )


async def account_chaos(house: House, system: BatchSystem, scheduled: int) -> ChaosAccounting:
    """Ask them all; `scheduled` is the stage that only a schedule launches."""
    db = house.db
    histories = [row["history_id"] for row in await db.fetch(HISTORIES)]
    told = await db.fetch(TOLD)
    without_results = await find_without_results(db)
    for id, why in without_results.items():
        log.error("submission %s is located: %s", id, why)
    return ChaosAccounting(
        # Of this house alone: other tests have launched into the same pool.
        await system.list_marked([format_mark_prefix(history) for history in histories]),
        sum(map(count_starts, [house.spool, *house.tmp.glob("spool.meanwhile.*")]), Counter()),
        await _select_ids(db, CALLED_OFF, system.name),
        frozenset(row["native_id"] for row in told),
        frozenset(r["submission_id"] for r in told if r["kind"] == DiscrepancyKind.VANISHED),
        await _select_ids(db, LIVE),
        without_results,
        await _select_ids(db, OF_STAGE, scheduled),
    )


async def describe_submissions(db: Pool, ids: Iterable[int]) -> list[str]:
    """What the database has of these submissions, and of their jobs."""
    return [str(tuple(row)) for row in await db.fetch(DESCRIBED, [*ids])]


async def _select_ids(db: Pool, select: str, *given: object) -> frozenset[int]:
    return frozenset(row["id"] for row in await db.fetch(select, *given))


def format_table(rows: Sequence[FaultRow]) -> str:
    """For docs/chaos.md."""
    head = (
        "| fault | inflicted | launches | lost | twice | RUNNING for ever | LOCATED without results "
        "| forgotten by the batch system, each reported "
        "| inert clusters, each reported | jobs that the batch system ran again |\n"
        + "|---" * 10
        + "|"
    )
    counts = [
        "inflicted",
        "launches",
        "lost",
        "twice",
        "stuck",
        "empty",
        "forgotten",
        "inert",
        "again",
    ]
    lines = [
        f"| {' | '.join(str(getattr(r, each)) for each in ['fault', *counts])} |" for r in rows
    ]
    return "\n".join([head, *lines])


def format_kill_points(died: Mapping[str, int]) -> str:
    """How many workers died where, of all places that the code has; for docs/chaos.md."""
    lines = ["| place | died before it | died after it |", "|---|---|---|"]
    for name in dict.fromkeys(point.rpartition(".")[0] for point in POINTS):
        told = [died.get(f"{name}.{side}", 0) or "not reached" for side in ("before", "after")]
        lines.append(f"| `{name}` | {told[0]} | {told[1]} |")
    reached = sum(bool(died.get(point)) for point in POINTS)
    return "\n".join([*lines, "", f"Reached: {reached} of {len(POINTS)}."])
