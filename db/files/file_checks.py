"""Looks at whether files are there: asked for by people, made by workers, the last one of the same files kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from db.pool import Connection, Database, fetch_many, fetch_one
from db.setbacks import leave_out
from domain.files.file_checks import FileCheckTally, SightingKind

LOOP = "file_checks"
OF_DATASET = "dataset"
SETTLE_S = 2.0
"""So long nothing more has been added, before what was added is looked at."""


@dataclass(frozen=True, slots=True)
class FileScope:
    """Which files of a dataset: a range of ordinals, or those that are listed."""

    dataset_id: int
    low: int
    high: int
    listed: Sequence[int] | None = None
    key: str = OF_DATASET

    @property
    def files(self) -> int:
        """How many."""
        return self.high - self.low if self.listed is None else len(self.listed)


def build_slice_scope(
    dataset_id: int, low: int, high: int, listed: Sequence[int] | None
) -> FileScope:
    """The files of a slice, by a key that the same files have again."""
    if listed is None:
        return FileScope(dataset_id, low, high, None, f"{low}..{high}")
    digest = sha256(",".join(map(str, listed)).encode()).hexdigest()
    return FileScope(dataset_id, 0, 0, listed, f"listed:{digest}")


@dataclass(frozen=True, slots=True)
class FileCheck:
    """One row of `file_check`, with how old what it found is."""

    id: int
    dataset_id: int
    key: str
    low: int
    high: int
    listed: list[int] | None
    is_whole: bool
    requested_at: datetime
    due_at: datetime | None
    done_at: datetime | None
    files: int
    looked: int
    missing: int
    other_size: int
    on_tape: int
    unknown: int
    examples: list[dict[str, Any]]
    trouble: str
    age_s: int | None


COLUMNS = ", ".join(f"c.{name}" for name in FileCheck.__dataclass_fields__ if name != "age_s")
COLUMNS += ", extract(epoch FROM now() - c.done_at)::int AS age_s"

ASK = f"""
    INSERT INTO file_check AS c (dataset_id, key, low, high, listed, is_whole, requested_by, due_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))
        ON CONFLICT (dataset_id, key) DO UPDATE
       SET low = excluded.low, high = excluded.high, listed = excluded.listed, is_whole = excluded.is_whole,
           requested_by = excluded.requested_by, requested_at = excluded.requested_at, due_at = excluded.due_at
    RETURNING {COLUMNS}
"""


async def ask_for_check(
    conn: Connection, scope: FileScope, person_id: int, *, is_whole: bool, after_s: float = 0.0
) -> FileCheck:
    """Have workers look at these files; what was found of them before stays until then."""
    place = scope.dataset_id, scope.key, scope.low, scope.high, scope.listed
    asked = await fetch_one(conn, FileCheck, ASK, *place, is_whole, person_id, after_s)
    assert asked is not None  # noqa: S101 - it was written
    return asked


OF_SCOPE = f"SELECT {COLUMNS} FROM file_check c WHERE dataset_id = $1 AND key = $2"


async def find_by_scope(db: Database, scope: FileScope) -> FileCheck | None:
    """Find the last look at just these files."""
    return await fetch_one(db, FileCheck, OF_SCOPE, scope.dataset_id, scope.key)


OF_DATASETS = f"SELECT {COLUMNS} FROM file_check c WHERE dataset_id = ANY($1::bigint[]) AND key = '{OF_DATASET}'"


async def find_by_datasets(db: Database, ids: Sequence[int]) -> list[FileCheck]:
    """Find the last looks at these datasets as they were then."""
    return await fetch_many(db, FileCheck, OF_DATASETS, ids)


@dataclass(frozen=True, slots=True)
class DueFileCheck:
    """A look that a worker has taken."""

    id: int
    dataset_id: int
    experiment_id: int
    low: int
    high: int
    listed: list[int] | None
    is_whole: bool
    requested_at: datetime


CLAIM = f"""
    UPDATE file_check c SET due_at = now() + make_interval(secs => $1)
      FROM (SELECT c.id, d.experiment_id FROM file_check c JOIN dataset d ON d.id = c.dataset_id
             WHERE c.due_at <= now() AND d.experiment_id <> ALL($2::bigint[])
               AND {leave_out(LOOP, "'file_check:' || c.id")}
             ORDER BY c.due_at LIMIT 1 FOR UPDATE OF c SKIP LOCKED) x
     WHERE c.id = x.id
    RETURNING c.id, c.dataset_id, x.experiment_id, c.low, c.high, c.listed, c.is_whole, c.requested_at
"""


async def claim_check(db: Database, lease_s: float, full: Sequence[int]) -> DueFileCheck | None:
    """Take one that is due, but of none of the `full` experiments."""
    return await fetch_one(db, DueFileCheck, CLAIM, lease_s, full)


# Who asks anew meanwhile is given another look.
RENEW = """
    UPDATE file_check SET due_at = now() + make_interval(secs => $3) WHERE id = $1 AND requested_at = $2 RETURNING true
"""


async def renew_check(db: Database, row: DueFileCheck, lease_s: float) -> bool:
    """Keep one; False: it was asked for anew."""
    return bool(await db.fetchval(RENEW, row.id, row.requested_at, lease_s))


PLACES = """
    SELECT f.name, f.location, f.size, f.metadata -> 'staged' AS mark
      FROM dataset_file d JOIN file f ON f.id = d.file_id
     WHERE d.dataset_id = $1 AND d.ordinal = ANY($2::bigint[]) ORDER BY d.ordinal
"""


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where a file is said to lie."""

    name: str
    location: str | None
    size: int | None
    mark: Any
    """Whether it is staged, where that is marked: true or false."""


async def list_places(db: Database, dataset_id: int, ordinals: Sequence[int]) -> list[FilePlace]:
    """Where these files of a dataset lie."""
    return await fetch_many(db, FilePlace, PLACES, dataset_id, ordinals)


RECORD = """
    UPDATE file_check
       SET due_at = NULL, done_at = now(), files = $3, looked = $4, missing = $5, other_size = $6, on_tape = $7,
           unknown = $8, examples = $9, trouble = ''
     WHERE id = $1 AND requested_at = $2
"""


async def record_check(db: Database, row: DueFileCheck, tally: FileCheckTally) -> None:
    """Write down what was found, unless it was asked for anew."""
    files = FileScope(row.dataset_id, row.low, row.high, row.listed).files
    kinds = (
        SightingKind.MISSING,
        SightingKind.OTHER_SIZE,
        SightingKind.ON_TAPE,
        SightingKind.UNKNOWN,
    )
    counts = [tally.counts[kind] for kind in kinds]
    await db.execute(RECORD, row.id, row.requested_at, files, tally.looked, *counts, tally.examples)


GIVE_UP = "UPDATE file_check SET due_at = NULL, trouble = $3 WHERE id = $1 AND requested_at = $2"


async def give_up_check(db: Database, row: DueFileCheck, trouble: str) -> None:
    """Say why nothing could be looked at; what was found before stays."""
    await db.execute(GIVE_UP, row.id, row.requested_at, trouble)


FORGET = f"""
    DELETE FROM file_check WHERE due_at IS NULL AND requested_at < now() - interval '7 days' AND key <> '{OF_DATASET}'
"""


async def forget_old_checks(db: Database) -> None:
    """Forget looks at slices after a week; of each dataset the last one stays."""
    await db.execute(FORGET)
