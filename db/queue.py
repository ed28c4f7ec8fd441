"""The queue of launches: each enters it, and leaves it as soon as nothing is in its way.

A transaction that launches calls `look` first, so that limits hold whoever launches at the same time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.pool import Connection, Database, many, one
from db.submissions import COLUMNS, S_COLUMNS, TELL, Submission
from domain import queue
from domain.queue import Counted, Facts, Hold, Limit, Scope


@dataclass(frozen=True, slots=True)
class Place:
    """Where a launch is in the queue: by its priority (None: the campaign's), then by its id."""

    priority: int | None = None
    id: int = 2**63 - 1


FIRST = Place(2**31 - 1, 0)


@dataclass(frozen=True, slots=True)
class Found:
    """What can be in the way of a stage's launches, as it is read."""

    stage_id: int
    active: bool
    holds: list[dict[str, Any]]
    limits: list[dict[str, Any]]
    waiting: int
    before: int


def _used(scope: str, key: str) -> str:
    """The limits of one scope with what is used of them: sums of kept counters, where there is a limit."""
    column = "id" if scope == "stage" else key
    return f"""
        SELECT '{scope}' AS scope, x.id, x.name, x.most_unfinished, x.most_jobs,
               CASE WHEN x.most_unfinished IS NOT NULL
                    THEN (SELECT sum(unfinished) FROM stage WHERE {column} = x.id) END AS unfinished,
               CASE WHEN x.most_jobs IS NOT NULL
                    THEN (SELECT coalesce(sum(jobs_idle + jobs_running + jobs_held + jobs_unknown), 0)
                            FROM submission WHERE counted AND {key} = x.id) END AS jobs
          FROM {scope} x
         WHERE x.id IN (SELECT {key} FROM wanted) AND num_nonnulls(x.most_unfinished, x.most_jobs) > 0
    """


# Before a launch come those of its stage, and where a wider limit is shared, all that share it.
FACTS = f"""
    WITH wanted AS (
        SELECT s.id AS stage_id, s.name, s.campaign_id, s.experiment_id, c.name AS campaign, e.name AS experiment,
               s.active AND c.active AS active, coalesce($2::int, c.priority) AS priority,
               num_nonnulls(e.most_unfinished, e.most_jobs) > 0 AS shares_experiment,
               num_nonnulls(c.most_unfinished, c.most_jobs) > 0 AS shares_campaign
          FROM stage s JOIN campaign c ON c.id = s.campaign_id JOIN experiment e ON e.id = s.experiment_id
         WHERE s.id = ANY($1::bigint[])
    ), held AS (
        SELECT *, num_nonnulls(experiment_id, campaign_id, stage_id) AS depth
          FROM launch_hold WHERE released_at IS NULL
    ), used AS (
        {" UNION ALL ".join(_used(scope, f"{scope}_id") for scope in ("stage", "campaign", "experiment"))}
    )
    SELECT w.stage_id, w.active,
           (SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'id', h.id, 'by', p.username, 'since', h.held_at, 'reason', h.reason,
                       'scope', (ARRAY['everything', 'experiment', 'campaign', 'stage'])[1 + h.depth],
                       'name', (ARRAY['', w.experiment, w.campaign, w.name])[1 + h.depth])
                   ORDER BY h.id), '[]')
              FROM held h JOIN person p ON p.id = h.held_by
             WHERE (h.experiment_id IS NULL OR h.experiment_id = w.experiment_id)
               AND (h.campaign_id IS NULL OR h.campaign_id = w.campaign_id)
               AND (h.stage_id IS NULL OR h.stage_id = w.stage_id)) AS holds,
           (SELECT coalesce(jsonb_agg(to_jsonb(u)), '[]') FROM used u
             WHERE (u.scope, u.id) IN (('stage', w.stage_id), ('campaign', w.campaign_id),
                                       ('experiment', w.experiment_id))) AS limits,
           (SELECT count(*) FROM submission q WHERE q.state = 'queued' AND q.stage_id = w.stage_id) AS waiting,
           CASE WHEN w.shares_experiment OR w.shares_campaign
                THEN (SELECT count(*) FROM submission q
                       WHERE q.state = 'queued' AND (q.priority, -q.id) > (w.priority, -$3::bigint)
                         AND (q.campaign_id = w.campaign_id
                              OR w.shares_experiment AND q.experiment_id = w.experiment_id))
                ELSE (SELECT count(*) FROM submission q
                       WHERE q.state = 'queued' AND (q.priority, -q.id) > (w.priority, -$3::bigint)
                         AND q.stage_id = w.stage_id) END AS before
      FROM wanted w
"""


async def facts(db: Database, stage_ids: Sequence[int], place: Place) -> dict[int, Facts]:
    """What can be in the way of launches of these stages that have a place in the queue."""
    found = await many(db, Found, FACTS, stage_ids, place.priority, place.id)
    return {row.stage_id: _facts(row) for row in found}


LOCK = "SELECT lock_limits($1)"


async def look(conn: Connection, stage_id: int, place: Place) -> Facts:
    """Take the limits of a stage's launches until the transaction ends, and read what can be in their way."""
    if not await conn.fetchval(LOCK, stage_id):
        return Facts()
    return (await facts(conn, [stage_id], place))[stage_id]


def _facts(row: Found) -> Facts:
    holds = [
        Hold(**{**h, "scope": Scope(h["scope"]), "since": _time(h["since"])}) for h in row.holds
    ]
    limits = [
        Limit(Scope(found["scope"]), found["name"], counts, found[most], int(found[used]))
        for found in row.limits
        for counts, most, used in (
            (Counted.SUBMISSIONS, "most_unfinished", "unfinished"),
            (Counted.JOBS, "most_jobs", "jobs"),
        )
        if found[most] is not None
    ]
    return Facts(row.active, holds, limits, row.waiting, row.before)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


POSITIONS = """
    SELECT s.id, (SELECT count(*) FROM submission q
                   WHERE q.state = 'queued' AND q.stage_id = s.stage_id AND (q.priority, -q.id) >= (s.priority, -s.id))
      FROM submission s WHERE s.id = ANY($1::bigint[]) AND s.state = 'queued'
"""


async def positions(db: Database, ids: Sequence[int]) -> dict[int, int]:
    """The places of launches among those of their stages that wait; the first is 1."""
    return {row[0]: row[1] for row in await db.fetch(POSITIONS, ids)}


FORWARD = f"""
    SELECT {COLUMNS} FROM submission
     WHERE state = 'queued' AND ($1::bigint[] IS NULL OR experiment_id = ANY($1))
       AND ($2::bigint IS NULL OR campaign_id = $2) AND ($3::bigint IS NULL OR stage_id = $3)
       AND ($4::int IS NULL OR (priority, -id) < ($4, -$5::bigint))
     ORDER BY priority DESC, id LIMIT $6
"""

BACKWARD = f"""
    SELECT {COLUMNS} FROM submission
     WHERE state = 'queued' AND ($1::bigint[] IS NULL OR experiment_id = ANY($1))
       AND ($2::bigint IS NULL OR campaign_id = $2) AND ($3::bigint IS NULL OR stage_id = $3)
       AND ($4::int IS NULL OR (priority, -id) > ($4, -$5::bigint))
     ORDER BY priority, id DESC LIMIT $6
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose launches that wait to list; what is None doesn't narrow."""

    experiments: Sequence[int] | None = None
    campaign_id: int | None = None
    stage_id: int | None = None


async def page(
    db: Database, wanted: Wanted, start: Place | None, limit: int, *, backwards: bool
) -> list[Submission]:
    """Read a page of what waits, in the order of its turns."""
    at = (start.priority, start.id) if start else (None, None)
    given = wanted.experiments, wanted.campaign_id, wanted.stage_id
    return await many(db, Submission, BACKWARD if backwards else FORWARD, *given, *at, limit)


BEGIN = f"""
    WITH moved AS (
        UPDATE submission SET state = 'new', counted = true, state_since = now(), revision = revision + 1
         WHERE id = $1 AND state = 'queued'
        RETURNING *
    ), place AS (
        UPDATE stage SET unfinished = unfinished + 1 FROM moved WHERE stage.id = moved.stage_id
    ), told AS ({TELL})
    SELECT {COLUMNS} FROM moved
"""

WAIT = f"""
    WITH moved AS (
        SELECT * FROM submission WHERE id = $1
    )
    {TELL}
"""


async def enter(conn: Connection, made: Submission, found: Facts) -> Submission:
    """Let a launch that was just made begin, or wait."""
    if queue.blockers(found, made.jobs):
        await conn.execute(WAIT, made.id)
        return made
    return await one(conn, Submission, BEGIN, made.id) or made


HEADS = """
    SELECT DISTINCT stage_id FROM submission WHERE state = 'queued' ORDER BY stage_id LIMIT 1000
"""


async def free_stages(db: Database) -> list[int]:
    """Stages with launches that wait, where nothing is in the way of all of them."""
    waiting = [row["stage_id"] for row in await db.fetch(HEADS)]
    found = await facts(db, waiting, FIRST) if waiting else {}
    return [id for id, those in found.items() if not queue.blockers(those, 1)]


# The submission first and its limits after it, as everybody who has both.
NEXT = f"""
    WITH head AS (
        SELECT h.id FROM unnest($1::bigint[]) AS x (stage_id), LATERAL (
            SELECT id, priority FROM submission q WHERE q.stage_id = x.stage_id AND q.state = 'queued'
             ORDER BY priority DESC, id LIMIT 1) h
         ORDER BY h.priority DESC, h.id LIMIT 1
    )
    SELECT {S_COLUMNS} FROM submission s JOIN head USING (id) WHERE s.state = 'queued' FOR UPDATE OF s SKIP LOCKED
"""


async def next_of(conn: Connection, stage_ids: Sequence[int]) -> Submission | None:
    """The launch of these stages that comes first, locked; None when there is none or somebody has it."""
    return await one(conn, Submission, NEXT, stage_ids)


async def begin(conn: Connection, waiting: Submission) -> Submission | None:
    """Let a launch begin that has waited; None when something is in its way."""
    found = await look(conn, waiting.stage_id, FIRST)
    if queue.blockers(found, waiting.jobs):
        return None
    return await one(conn, Submission, BEGIN, waiting.id)
