"""Pages of what a recovery would do: each file with why it is in or out, and each unit that it would make."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.pool import Database, fetch_many
from db.recovery.verdicts import VERDICTS, RecoveryRequest
from domain.recovery.verdicts import RecoveryVerdict


@dataclass(frozen=True, slots=True)
class JudgedFile:
    """A file (of a generator: a unit, by its index) of a submission's family, and the rule's word on it."""

    submission_id: int
    """The newest that has it; 0: none, it was added."""
    number: int
    file_id: int | None
    key: int
    why: RecoveryVerdict


FILES = f"""
    WITH RECURSIVE {VERDICTS}
    SELECT submission_id, number, file_id, key, why FROM judged
     WHERE ($17::text[] IS NULL OR why = ANY($17)) AND ($18::bigint IS NULL OR key > $18)
     ORDER BY key LIMIT $19
"""
FILES_BACK = FILES.replace("key > $18", "key < $18").replace("ORDER BY key", "ORDER BY key DESC")


async def list_files(
    db: Database,
    asked: RecoveryRequest,
    whys: Sequence[RecoveryVerdict] | None,
    start: int | None,
    limit: int,
    *,
    backwards: bool,
) -> list[JudgedFile]:
    """The next files past one, some or all of the reasons."""
    sql = FILES_BACK if backwards else FILES
    wanted = None if whys is None else list(whys)
    rows = await fetch_many(db, JudgedFile, sql, *asked.args, wanted, start, limit)
    return [
        JudgedFile(r.submission_id, r.number, r.file_id, r.key, RecoveryVerdict(r.why))
        for r in rows
    ]


@dataclass(frozen=True, slots=True)
class RecoveredUnit:
    """A work unit that the recovery would make; of a generator with its index."""

    number: int
    submission_id: int
    was: int
    files: int
    bytes: int
    without_size: int
    """So many of the files have no known size."""
    index: int | None


UNITS = f"""
    WITH RECURSIVE {VERDICTS}, unit AS (
        SELECT row_number() OVER (ORDER BY t.submission_id = 0, t.submission_id, t.number) AS number,
               t.submission_id, t.number AS was, count(t.file_id) AS files,
               coalesce(sum(f.size), 0)::bigint AS bytes, count(f.id) - count(f.size) AS without_size
          FROM taken t LEFT JOIN file f ON f.id = t.file_id GROUP BY t.submission_id, t.number
    )
    SELECT unit.number, unit.submission_id, was, unit.files, unit.bytes, unit.without_size, u.index
      FROM unit LEFT JOIN work_unit u ON u.submission_id = unit.submission_id AND u.number = was
     WHERE $17::bigint IS NULL OR unit.number > $17
     ORDER BY unit.number LIMIT $18
"""
UNITS_BACK = UNITS.replace("unit.number > $17", "unit.number < $17").replace(
    "ORDER BY unit.number LIMIT", "ORDER BY unit.number DESC LIMIT"
)


async def list_units(
    db: Database, asked: RecoveryRequest, start: int | None, limit: int, *, backwards: bool
) -> list[RecoveredUnit]:
    """The next units past one, by the numbers that their jobs would have."""
    return await fetch_many(
        db, RecoveredUnit, UNITS_BACK if backwards else UNITS, *asked.args, start, limit
    )
