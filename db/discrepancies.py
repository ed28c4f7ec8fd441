"""Discrepancies: what was found, what is asked to be done about it, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from db.pool import Connection, Database, many, one
from db.watches import Fenced
from domain.discrepancies import (
    FILED_BY_LAUNCHES,
    REPAIRS,
    Attempt,
    DiscrepancyKind,
    Finding,
    Repair,
    Resolution,
)


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One row of `discrepancy`."""

    id: int
    kind: DiscrepancyKind
    batch_system: str
    native_id: str
    mark: str
    submission_id: int | None
    experiment_id: int | None
    jobs: int
    started: bool
    details: str
    repair: Repair
    first_seen: datetime
    last_seen: datetime
    repair_by: int | None
    repair_at: datetime | None
    repaired_at: datetime | None
    said: str
    resolution: Resolution | None
    resolved_at: datetime | None
    resolved_by: int | None
    reason: str


COLUMNS = ", ".join(Discrepancy.__dataclass_fields__)

ATTEMPT = """
    SELECT a.mark, a.submission_id, a.attempt, a.state, a.native_id, s.state AS submission_state,
           extract(epoch FROM now() - greatest(a.updated_at, s.state_since))::float8 AS quiet_s,
           coalesce(s.configuration ->> 'job_kind' = 'script', false) AS is_script,
           ARRAY(SELECT c.native_id FROM cluster c
                  WHERE (c.submission_id, c.attempt, c.batch_system) = (a.submission_id, a.attempt, $1)) AS clusters
      FROM launch_attempt a JOIN submission s ON s.id = a.submission_id
"""

BY_MARKS = f"{ATTEMPT} WHERE a.mark = ANY($2::text[])"

AT_BATCH = f"""
    {ATTEMPT}
     WHERE a.batch_system = $1 AND a.native_id IS NOT NULL AND s.state IN ('idle', 'running', 'held')
       AND s.configuration ->> 'job_kind' IS DISTINCT FROM 'script'
"""


async def by_marks(db: Database, batch_system: str, marks: Sequence[str]) -> list[Attempt]:
    """The launches that these marks are known for, with their clusters at a batch system."""
    return await many(db, Attempt, BY_MARKS, batch_system, marks)


async def at_batch(db: Database, batch_system: str) -> list[Attempt]:
    """The adopted launches whose jobs are thought to be there; what scripts submitted is followed otherwise."""
    return await many(db, Attempt, AT_BATCH, batch_system)


DUE = """
    SELECT CASE WHEN r.batch_system IS NULL OR asked_at > done_at OR done_at < now() - make_interval(secs => $2)
           THEN now() END
      FROM (VALUES ($1::text)) AS x (name) LEFT JOIN reconciliation r ON r.batch_system = x.name
"""


async def due(db: Database, batch_system: str, every_s: float) -> datetime | None:
    """The time now, when a batch system has not been reconciled for so long, or somebody asks for it."""
    now: datetime | None = await db.fetchval(DUE, batch_system, every_s)
    return now


FENCE = "SELECT epoch FROM lease WHERE name = $1 AND epoch = $2 AND until > now() FOR SHARE"

DONE = """
    INSERT INTO reconciliation (batch_system, done_at, asked_at) VALUES ($1, $2, $2)
        ON CONFLICT (batch_system) DO UPDATE SET done_at = $2
"""

# Of what was dismissed nobody hears again.
FILE = """
    WITH x AS (
        SELECT x.kind::discrepancy_kind, x.native_id, x.mark, x.jobs, x.started, x.details, x.repair::repair,
               s.id AS submission_id, s.experiment_id, s.campaign_id
          FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::int[], $7::boolean[], $8::text[],
                      $9::text[]) AS x (kind, native_id, mark, submission_id, jobs, started, details, repair)
          LEFT JOIN submission s ON s.id = x.submission_id
    ), filed AS (
        INSERT INTO discrepancy (kind, batch_system, native_id, mark, submission_id, experiment_id, jobs, started,
                                 details, repair)
        SELECT kind, $1, native_id, mark, submission_id, experiment_id, jobs, started, details, repair FROM x
         WHERE NOT EXISTS (SELECT FROM discrepancy d
                            WHERE (d.batch_system, d.native_id, d.kind) = ($1, x.native_id, x.kind)
                              AND d.resolution = 'dismissed')
            ON CONFLICT (batch_system, native_id, kind) WHERE resolved_at IS NULL
            DO UPDATE SET last_seen = now(), jobs = excluded.jobs, started = excluded.started,
                          details = excluded.details
        RETURNING new.*, old.id IS NULL AS is_new
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, body)
        SELECT coalesce(f.experiment_id, 0), x.campaign_id, f.submission_id, 'discrepancy.filed',
               jsonb_build_object('id', f.id, 'kind', f.kind, 'batch_system', $1, 'native_id', f.native_id,
                                  'details', f.details, 'repair', f.repair)
          FROM filed f JOIN x USING (native_id, kind) WHERE f.is_new
    )
    SELECT id FROM filed
"""

TELL = """
    INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, body)
    SELECT coalesce(d.experiment_id, 0), s.campaign_id, d.submission_id, 'discrepancy.' || d.resolution,
           jsonb_build_object('id', d.id, 'kind', d.kind, 'batch_system', d.batch_system, 'native_id', d.native_id,
                              'reason', d.reason)
      FROM ended d LEFT JOIN submission s ON s.id = d.submission_id
"""
"""The change that goes with an end: drawn from the CTE `ended`."""

CLOSE = f"""
    WITH ended AS (
        UPDATE discrepancy
           SET resolved_at = now(), repair_at = NULL,
               resolved_by = CASE WHEN repaired_at IS NOT NULL THEN repair_by END,
               resolution = CASE WHEN repaired_at IS NULL THEN 'gone' ELSE 'repaired' END::resolution
         WHERE batch_system = $1 AND resolved_at IS NULL AND id <> ALL($2::bigint[])
           AND (repaired_at IS NOT NULL OR kind <> ALL($3::discrepancy_kind[]))
        RETURNING *
    )
    {TELL}
"""


async def reconcile(
    conn: Connection,
    batch_system: str,
    lease: tuple[str, int],
    looked_at: datetime,
    found: Sequence[Finding],
) -> None:
    """File what was found, and close what was not found any more; inside the caller's transaction.

    `looked_at` is before anything was asked. Raises Fenced when the lease (name, epoch) is somebody else's.
    """
    if await conn.fetchval(FENCE, *lease) is None:
        raise Fenced(lease[0])
    columns = [[getattr(each, name) for each in found] for name in FOUND]
    repairs = [REPAIRS[each.kind] for each in found]
    rows = await conn.fetch(FILE, batch_system, *columns, repairs)
    await conn.execute(CLOSE, batch_system, [row["id"] for row in rows], list(FILED_BY_LAUNCHES))
    await conn.execute(DONE, batch_system, looked_at)


FOUND = [field.name for field in fields(Finding)]

BY_IDS = f"SELECT {COLUMNS} FROM discrepancy WHERE id = ANY($1::bigint[])"


async def by_ids(db: Database, ids: Sequence[int]) -> list[Discrepancy]:
    """Find the discrepancies that exist among these."""
    return await many(db, Discrepancy, BY_IDS, ids)


ASK = f"""
    UPDATE discrepancy
       SET repair_at = coalesce(repair_at, now()), repair_by = $2, repaired_at = NULL
     WHERE id = $1 AND resolved_at IS NULL
    RETURNING {COLUMNS}
"""


async def ask(db: Database, id: int, person_id: int) -> Discrepancy | None:
    """Write down that somebody wants the proposed repair; None when the discrepancy is over."""
    return await one(db, Discrepancy, ASK, id, person_id)


DISMISS = f"""
    WITH ended AS (
        UPDATE discrepancy
           SET resolved_at = now(), resolution = 'dismissed', resolved_by = $2, reason = $3, repair_at = NULL
         WHERE id = $1 AND resolved_at IS NULL
        RETURNING *
    ), told AS ({TELL})
    SELECT {COLUMNS} FROM ended
"""


async def dismiss(db: Database, id: int, person_id: int, reason: str) -> Discrepancy | None:
    """Leave it as it is, for good; None when it is over already."""
    return await one(db, Discrepancy, DISMISS, id, person_id, reason)


# Whoever takes a repair has 30 seconds for it; then another may.
TAKE = f"""
    UPDATE discrepancy SET repair_at = now() + interval '30 seconds'
     WHERE id = (SELECT id FROM discrepancy WHERE repair_at <= now() AND resolved_at IS NULL
                  ORDER BY repair_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING {COLUMNS}
"""


async def take(db: Database) -> Discrepancy | None:
    """The next repair that wants doing."""
    return await one(db, Discrepancy, TAKE)


TRIED = """
    WITH tried AS (
        UPDATE discrepancy
           SET said = $2, repaired_at = CASE WHEN $3::float8 IS NULL THEN now() END,
               repair_at = now() + make_interval(secs => $3)
         WHERE id = $1 AND resolved_at IS NULL
        RETURNING batch_system
    )
    UPDATE reconciliation r SET asked_at = now() FROM tried WHERE r.batch_system = tried.batch_system AND $3 IS NULL
"""


async def tried(db: Database, id: int, said: str, again_s: float | None = None) -> None:
    """Note what came of a repair; it is looked at soon, or tried again after a while."""
    await db.execute(TRIED, id, said, again_s)


ADOPTED = """
    SELECT s.state IN ('submitting', 'uncertain', 'idle', 'running', 'held')
      FROM cluster c JOIN submission s ON s.id = c.submission_id
     WHERE c.batch_system = $1 AND c.native_id = $2
"""


async def is_adopted(db: Database, batch_system: str, native_id: str) -> bool:
    """Whether a cluster is a live submission's own."""
    return bool(await db.fetchval(ADOPTED, batch_system, native_id))


LIST = {
    newest: f"""
    SELECT {COLUMNS} FROM discrepancy
     WHERE id {"<" if newest else ">"} $1
       AND ($3::bigint[] IS NULL OR experiment_id = ANY($3))
       AND ($4::discrepancy_kind[] IS NULL OR kind = ANY($4))
       AND ($5::text IS NULL OR batch_system = $5)
       AND ($6::bigint IS NULL OR submission_id = $6)
       AND ($7::boolean IS NULL OR (resolved_at IS NULL) = $7)
     ORDER BY id {"DESC" if newest else "ASC"} LIMIT $2
    """
    for newest in (True, False)
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which discrepancies to list; what is None doesn't narrow."""

    experiments: Sequence[int] | None = None
    kinds: Sequence[DiscrepancyKind] | None = None
    batch_system: str | None = None
    submission_id: int | None = None
    is_open: bool | None = None


async def some(
    db: Database, wanted: Wanted, start: int, limit: int, *, newest: bool
) -> list[Discrepancy]:
    """The next ones past an id."""
    return await many(
        db, Discrepancy, LIST[newest], start, limit, wanted.experiments, wanted.kinds, wanted.batch_system,
        wanted.submission_id, wanted.is_open,
    )  # fmt: skip
