"""Discrepancies: what was found, what is asked to be done about it, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from db.batch.feeds import WatcherFenced
from db.changes import sign_as_person, sign_as_service
from db.discrepancy_ends import tell_ends
from db.pool import Connection, Database, fetch_many, fetch_one
from db.setbacks import leave_out
from domain.batch.reconciliation import DiscrepancyFinding, RecordedLaunch
from domain.changes import ServicePart
from domain.discrepancies import FILED_ELSEWHERE, REPAIRS, DiscrepancyKind, Repair, Resolution
from domain.launching.launches import launch_of


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
    result_message: str
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

# A launch attempt that adopted nothing may be in the archive: it was given up, and its submission is over.
BY_MARKS = f"""
    {ATTEMPT} WHERE a.mark = ANY($2::text[])
     UNION ALL
    SELECT x.mark, s.id, x.attempt, 'abandoned', NULL, s.state, extract(epoch FROM now() - s.archived_at)::float8,
           coalesce(s.configuration ->> 'job_kind' = 'script', false), '{{}}'
      FROM unnest($2, $3::bigint[], $4::int[]) AS x (mark, submission_id, attempt)
      JOIN submission s ON s.id = x.submission_id
     WHERE s.archived_at IS NOT NULL AND x.attempt BETWEEN 1 AND s.launch_attempt
       AND NOT EXISTS (SELECT FROM launch_attempt a WHERE a.mark = x.mark)
"""

AT_BATCH = f"""
    {ATTEMPT}
     WHERE a.batch_system = $1 AND a.native_id IS NOT NULL AND s.state IN ('idle', 'running', 'held')
       AND s.configuration ->> 'job_kind' IS DISTINCT FROM 'script'
"""


async def find_by_marks(
    db: Database, batch_system: str, marks: Sequence[str]
) -> list[RecordedLaunch]:
    """The launches that these marks are known for, with their clusters at a batch system."""
    launches = [launch_of(mark) for mark in marks]
    ids, numbers = [id for id, _ in launches], [number for _, number in launches]
    return await fetch_many(db, RecordedLaunch, BY_MARKS, batch_system, marks, ids, numbers)


async def list_adopted_launches(db: Database, batch_system: str) -> list[RecordedLaunch]:
    """The adopted launches whose jobs are thought to be there; what scripts submitted is followed otherwise."""
    return await fetch_many(db, RecordedLaunch, AT_BATCH, batch_system)


DUE = """
    SELECT CASE WHEN r.batch_system IS NULL OR requested_at > done_at OR done_at < now() - make_interval(secs => $2)
           THEN now() END
      FROM (VALUES ($1::text)) AS x (name) LEFT JOIN reconciliation r ON r.batch_system = x.name
"""


async def find_due_reconciliation(
    db: Database, batch_system: str, every_s: float
) -> datetime | None:
    """The time now, when a batch system has not been reconciled for so long, or somebody asks for it."""
    now: datetime | None = await db.fetchval(DUE, batch_system, every_s)
    return now


FENCE = "SELECT epoch FROM lease WHERE name = $1 AND epoch = $2 AND until > now() FOR SHARE"

DONE = """
    INSERT INTO reconciliation (batch_system, done_at, requested_at) VALUES ($1, $2, $2)
        ON CONFLICT (batch_system) DO UPDATE SET done_at = $2
"""

# Of what was dismissed nobody hears again; nor of an orphan or a late cluster that is over, once it was repaired
# or had gone.
FILE = f"""
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
                            WHERE (d.batch_system, d.native_id, d.kind, d.mark) = ($1, x.native_id, x.kind, x.mark)
                              AND (d.resolution = 'dismissed'
                                   OR x.kind IN ('orphan', 'late_cluster') AND x.jobs = 0
                                      AND (d.resolved_at IS NOT NULL OR d.repaired_at IS NOT NULL)))
            ON CONFLICT (batch_system, native_id, kind) WHERE resolved_at IS NULL
            DO UPDATE SET last_seen = now(), jobs = excluded.jobs, started = excluded.started,
                          details = excluded.details
        RETURNING new.*, old.id IS NULL AS is_new
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body)
        SELECT coalesce(f.experiment_id, 0), x.campaign_id, f.submission_id, 'discrepancy.filed',
               {sign_as_service(ServicePart.RECONCILE)}, NULL,
               jsonb_build_object('id', f.id, 'kind', f.kind, 'batch_system', $1, 'native_id', f.native_id,
                                  'details', f.details, 'repair', f.repair)
          FROM filed f JOIN x USING (native_id, kind) WHERE f.is_new
    )
    SELECT id FROM filed
"""

# What somebody asked to be repaired stays until that was tried, so that they hear what came of it.
CLOSE = f"""
    WITH ended AS (
        UPDATE discrepancy
           SET resolved_at = now(), repair_at = NULL,
               resolved_by = CASE WHEN repaired_at IS NOT NULL THEN repair_by END,
               resolution = CASE WHEN repaired_at IS NULL THEN 'gone' ELSE 'repaired' END::resolution
         WHERE batch_system = $1 AND resolved_at IS NULL AND id <> ALL($2::bigint[])
           AND (repaired_at IS NOT NULL OR repair_at IS NULL AND kind <> ALL($3::discrepancy_kind[]))
        RETURNING *
    )
    {tell_ends(sign_as_service(ServicePart.RECONCILE))}
"""


async def record_reconciliation(
    conn: Connection,
    batch_system: str,
    lease: tuple[str, int],
    looked_at: datetime,
    found: Sequence[DiscrepancyFinding],
) -> None:
    """File what was found, and close what was not found any more; inside the caller's transaction.

    `looked_at` is before anything was asked. Raises Fenced when the lease (name, epoch) is somebody else's.
    """
    if await conn.fetchval(FENCE, *lease) is None:
        raise WatcherFenced(lease[0])
    filed = await file_discrepancies(conn, batch_system, found)
    await conn.execute(CLOSE, batch_system, filed, list(FILED_ELSEWHERE))
    await conn.execute(DONE, batch_system, looked_at)


async def file_discrepancies(
    db: Database, batch_system: str, found: Sequence[DiscrepancyFinding]
) -> list[int]:
    """File what was found at a batch system, or say it anew; returns the ids, without what was decided before."""
    columns = [[getattr(each, name) for each in found] for name in FOUND]
    repairs = [REPAIRS[each.kind] for each in found]
    rows = await db.fetch(FILE, batch_system, *columns, repairs)
    return [row["id"] for row in rows]


FOUND = [field.name for field in fields(DiscrepancyFinding)]

BY_IDS = f"SELECT {COLUMNS} FROM discrepancy WHERE id = ANY($1::bigint[])"


async def find_by_ids(db: Database, ids: Sequence[int]) -> list[Discrepancy]:
    """Find the discrepancies that exist among these."""
    return await fetch_many(db, Discrepancy, BY_IDS, ids)


ASK = f"""
    UPDATE discrepancy
       SET repair_at = coalesce(repair_at, now()), repair_by = $2, repaired_at = NULL
     WHERE id = ANY($1::bigint[]) AND resolved_at IS NULL
    RETURNING {COLUMNS}
"""


async def request_repair(db: Database, id: int, person_id: int) -> Discrepancy | None:
    """Write down that somebody wants the proposed repair; None when the discrepancy is over."""
    return await fetch_one(db, Discrepancy, ASK, [id], person_id)


async def ask_for_all(db: Database, ids: Sequence[int], person_id: int) -> list[Discrepancy]:
    """The same for all of these; those that are over are left out."""
    return await fetch_many(db, Discrepancy, ASK, ids, person_id)


DISMISS = f"""
    WITH ended AS (
        UPDATE discrepancy
           SET resolved_at = now(), resolution = 'dismissed', resolved_by = $2, reason = $3, repair_at = NULL
         WHERE id = ANY($1::bigint[]) AND resolved_at IS NULL
        RETURNING *
    ), told AS ({tell_ends(sign_as_person("$2"))})
    SELECT {COLUMNS} FROM ended
"""


async def dismiss_discrepancy(
    db: Database, id: int, person_id: int, reason: str
) -> Discrepancy | None:
    """Leave it as it is, for good; None when it is over already."""
    return await fetch_one(db, Discrepancy, DISMISS, [id], person_id, reason)


async def dismiss_all(
    db: Database, ids: Sequence[int], person_id: int, reason: str
) -> list[Discrepancy]:
    """The same for all of these; those that are over are left out."""
    return await fetch_many(db, Discrepancy, DISMISS, ids, person_id, reason)


# Whoever takes a repair has it for a while, and longer if it says so; then another may.
TAKE = f"""
    UPDATE discrepancy SET repair_at = now() + make_interval(secs => $1)
     WHERE id = (SELECT id FROM discrepancy WHERE repair_at <= now() AND resolved_at IS NULL
                    AND batch_system <> ALL($2::text[]) AND {leave_out("repair", "'discrepancy:' || id")}
                  ORDER BY repair_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING {COLUMNS}
"""


async def claim_repair(
    db: Database, lease_s: float, full: Sequence[str] = ()
) -> Discrepancy | None:
    """The next repair that wants doing, of batch systems that are not `full`.

    It is ours as long as its `repair_at`, which proves that, is to come.
    """
    return await fetch_one(db, Discrepancy, TAKE, lease_s, list(full))


RENEW = """
    UPDATE discrepancy SET repair_at = now() + make_interval(secs => $3)
     WHERE id = $1 AND repair_at = $2 AND resolved_at IS NULL RETURNING repair_at
"""


async def renew_repair(
    db: Database, id: int, repair_at: datetime, lease_s: float
) -> datetime | None:
    """Keep a repair while it is done, or None when it isn't ours any more. Returns the next proof that it is."""
    until: datetime | None = await db.fetchval(RENEW, id, repair_at, lease_s)
    return until


TRIED = """
    WITH tried AS (
        UPDATE discrepancy
           SET result_message = $2, repaired_at = CASE WHEN $3::float8 IS NULL THEN now() END,
               repair_at = now() + make_interval(secs => $3)
         WHERE id = $1 AND resolved_at IS NULL
        RETURNING batch_system
    )
    UPDATE reconciliation r SET requested_at = now() FROM tried WHERE r.batch_system = tried.batch_system AND $3 IS NULL
"""


async def record_repair(db: Database, id: int, message: str, again_s: float | None = None) -> None:
    """Note what came of a repair; it is looked at soon, or tried again after a while."""
    await db.execute(TRIED, id, message, again_s)


OPEN_LATE = f"""
    SELECT {COLUMNS} FROM discrepancy
     WHERE submission_id = ANY($1::bigint[]) AND kind = 'late_cluster' AND resolved_at IS NULL ORDER BY id
"""


async def list_open_late_clusters(db: Database, submission_ids: Sequence[int]) -> list[Discrepancy]:
    """The late clusters of these submissions about which nobody has decided, oldest first."""
    return await fetch_many(db, Discrepancy, OPEN_LATE, submission_ids)


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
class DiscrepancyFilter:
    """Which discrepancies to list; what is None doesn't narrow."""

    experiments: Sequence[int] | None = None
    kinds: Sequence[DiscrepancyKind] | None = None
    batch_system: str | None = None
    submission_id: int | None = None
    is_open: bool | None = None


async def list_page(
    db: Database, wanted: DiscrepancyFilter, start: int, limit: int, *, newest: bool
) -> list[Discrepancy]:
    """The next ones past an id."""
    return await fetch_many(
        db, Discrepancy, LIST[newest], start, limit, wanted.experiments, wanted.kinds, wanted.batch_system,
        wanted.submission_id, wanted.is_open,
    )  # fmt: skip
