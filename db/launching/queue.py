"""The queue of launches: each enters it, and leaves it as soon as nothing is in its way.

A transaction that launches calls `lock_limits` first, so that limits hold whoever launches at the same time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from db.launching import launch_approvals, launch_rights
from db.pool import Connection, Database, fetch_many, fetch_one
from db.setbacks import leave_out
from db.submissions.submissions import COLUMNS, Submission, tell_moves
from domain.changes import Actor, ServicePart
from domain.launching import queue
from domain.launching.queue import ActiveHold, LaunchScope, LimitUnit, QueueFacts, ReachedLimit


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """Where a launch is in the queue: by its priority (None: the campaign's), then by its id."""

    priority: int | None = None
    id: int = 2**63 - 1


FIRST = QueuePosition(2**31 - 1, 0)


@dataclass(frozen=True, slots=True)
class QueueFactsRow:
    """What can be in the way of a stage's launches, as it is read."""

    stage_id: int
    active: bool
    holds: list[dict[str, Any]]
    limits: list[dict[str, Any]]
    waiting: int
    before: int


def _render_usage(scope: str, key: str) -> str:
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


def _render_facts_statement(counted: str) -> str:
    return f"""
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
        {" UNION ALL ".join(_render_usage(scope, f"{scope}_id") for scope in ("stage", "campaign", "experiment"))}
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
           {counted}
      FROM wanted w
    """


# Before a launch come those of its stage, and where a wider limit is shared, all that share it.
FACTS = _render_facts_statement("""
           (SELECT count(*) FROM submission q WHERE q.state = 'queued' AND q.stage_id = w.stage_id) AS waiting,
           CASE WHEN w.shares_experiment OR w.shares_campaign
                THEN (SELECT count(*) FROM submission q
                       WHERE q.state = 'queued' AND (q.priority, -q.id) > (w.priority, -$3::bigint)
                         AND (q.campaign_id = w.campaign_id
                              OR w.shares_experiment AND q.experiment_id = w.experiment_id))
                ELSE (SELECT count(*) FROM submission q
                       WHERE q.state = 'queued' AND (q.priority, -q.id) > (w.priority, -$3::bigint)
                         AND q.stage_id = w.stage_id) END AS before
""")

# Of the first nothing comes before, and nobody need count what comes after it.
FIRST_FACTS = _render_facts_statement("0 AS waiting, 0 AS before")


async def read_facts(
    db: Database, stage_ids: Sequence[int], place: QueuePosition
) -> dict[int, QueueFacts]:
    """What can be in the way of launches of these stages that have a place in the queue."""
    found = await fetch_many(db, QueueFactsRow, FACTS, stage_ids, place.priority, place.id)
    return {row.stage_id: _parse_facts(row) for row in found}


async def read_head_facts(db: Database, stage_ids: Sequence[int]) -> dict[int, QueueFacts]:
    """What can be in the way of the launches of these stages that come first; what comes after is not counted."""
    found = await fetch_many(db, QueueFactsRow, FIRST_FACTS, stage_ids, FIRST.priority)
    return {row.stage_id: _parse_facts(row) for row in found}


LOCK = "SELECT lock_limits($1)"


async def lock_limits(
    conn: Connection, stage_id: int, place: QueuePosition, person_id: int
) -> QueueFacts:
    """Take the limits of a stage's launches until the transaction ends, and read what can be in the way of
    one in this person's name."""
    launcher = await launch_rights.find_lack(conn, stage_id, person_id)
    if not await conn.fetchval(LOCK, stage_id):
        return QueueFacts(launcher=launcher)
    return replace((await read_facts(conn, [stage_id], place))[stage_id], launcher=launcher)


async def add_approval(conn: Connection, facts: QueueFacts, made: Submission) -> QueueFacts:
    """These facts with what is missing of agreement to a submission, from now until the transaction ends."""
    lack = await launch_approvals.find_lack(
        conn, made.campaign_id, made.campaign_revision, is_test=made.is_test
    )
    return replace(facts, approval=lack)


def _parse_facts(row: QueueFactsRow) -> QueueFacts:
    holds = [
        ActiveHold(**{**h, "scope": LaunchScope(h["scope"]), "since": _parse_time(h["since"])})
        for h in row.holds
    ]
    limits = [
        ReachedLimit(
            LaunchScope(found["scope"]), found["name"], counts, found[most], int(found[used])
        )
        for found in row.limits
        for counts, most, used in (
            (LimitUnit.SUBMISSIONS, "most_unfinished", "unfinished"),
            (LimitUnit.JOBS, "most_jobs", "jobs"),
        )
        if found[most] is not None
    ]
    return QueueFacts(
        row.active, holds=holds, limits=limits, waiting=row.waiting, before=row.before
    )


def _parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


POSITIONS = """
    SELECT s.id, (SELECT count(*) FROM submission q
                   WHERE q.state = 'queued' AND q.stage_id = s.stage_id AND (q.priority, -q.id) >= (s.priority, -s.id))
      FROM submission s WHERE s.id = ANY($1::bigint[]) AND s.state = 'queued'
"""


async def find_positions(db: Database, ids: Sequence[int]) -> dict[int, int]:
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
class QueueFilter:
    """Whose launches that wait to list; what is None doesn't narrow."""

    experiments: Sequence[int] | None = None
    campaign_id: int | None = None
    stage_id: int | None = None


async def page(
    db: Database, wanted: QueueFilter, start: QueuePosition | None, limit: int, *, backwards: bool
) -> list[Submission]:
    """Read a page of what waits, in the order of its turns."""
    at = (start.priority, start.id) if start else (None, None)
    given = wanted.experiments, wanted.campaign_id, wanted.stage_id
    return await fetch_many(db, Submission, BACKWARD if backwards else FORWARD, *given, *at, limit)


BEGIN = f"""
    WITH moved AS (
        UPDATE submission SET state = 'new', counted = true, state_since = now(), revision = revision + 1
         WHERE id = $1 AND state = 'queued'
        RETURNING *
    ), place AS (
        UPDATE stage SET unfinished = unfinished + 1 FROM moved WHERE stage.id = moved.stage_id
    ), told AS ({tell_moves("$2::bigint, $3::text")})
    SELECT {COLUMNS} FROM moved
"""

WAIT = f"""
    WITH moved AS (
        SELECT * FROM submission WHERE id = $1
    )
    {tell_moves("$2::bigint, $3::text")}
"""


async def enter_queue(
    conn: Connection, made: Submission, found: QueueFacts, by: Actor
) -> Submission:
    """Let a launch that somebody has just made begin, or wait."""
    if queue.list_blockers(found, made.jobs):
        await conn.execute(WAIT, made.id, *by.columns)
        return made
    return await fetch_one(conn, Submission, BEGIN, made.id, *by.columns) or made


@dataclass(frozen=True, slots=True, order=True)
class QueueHead:
    """The launch of a stage that comes first."""

    stage_id: int
    id: int
    priority: int


APPROVED = launch_approvals.is_approved(
    "s.experiment_id", "s.campaign_id", "s.campaign_revision", "s.is_test"
)


# From stage to stage along the index: what waits behind the first is never read.
def _may_begin(grants: str) -> str:
    """A condition on a submission `s`: agreed to, neither set aside nor in the name of somebody without rights."""
    return f"""{leave_out("promote", "'submission:' || s.id")}
               AND {APPROVED}
               AND (SELECT {launch_rights.may_launch("p", "c", "e", grants)} FROM person p, campaign c, experiment e
                     WHERE p.id = s.created_by AND c.id = s.campaign_id AND e.id = s.experiment_id)"""


HEADS = f"""
    WITH RECURSIVE head AS (
        (SELECT stage_id, id, priority FROM submission s
          WHERE state = 'queued' AND stage_id > $1 AND {_may_begin("$3")} ORDER BY stage_id, priority DESC, id LIMIT 1)
         UNION ALL
        SELECT n.* FROM head h, LATERAL (
            SELECT stage_id, id, priority FROM submission s
             WHERE state = 'queued' AND stage_id > h.stage_id AND {_may_begin("$3")}
             ORDER BY stage_id, priority DESC, id LIMIT 1) n
    )
    SELECT stage_id, id, priority FROM head LIMIT $2
"""
PAGE = 1000


async def list_free_heads(db: Database) -> list[QueueHead]:
    """The first launches of all stages with launches that wait, where nothing is in the way of all of them."""
    free, after = list[QueueHead](), 0
    while heads := await fetch_many(db, QueueHead, HEADS, after, PAGE, launch_rights.LAUNCH):
        after = heads[-1].stage_id
        found = await read_head_facts(db, [head.stage_id for head in heads])
        is_free = {id for id, those in found.items() if not queue.list_blockers(those, 1)}
        free += [head for head in heads if head.stage_id in is_free]
    return free


HEAD = f"""
    SELECT stage_id, id, priority FROM submission s WHERE state = 'queued' AND stage_id = $1 AND {_may_begin("$2")}
     ORDER BY priority DESC, id LIMIT 1
"""


async def find_head(db: Database, stage_id: int) -> QueueHead | None:
    """The launch of a stage that comes first now."""
    return await fetch_one(db, QueueHead, HEAD, stage_id, launch_rights.LAUNCH)


# The submission first and its limits after it, as everybody who has both.
LOCK_QUEUED = f"""
    SELECT {COLUMNS} FROM submission WHERE id = $1 AND state = 'queued' FOR UPDATE SKIP LOCKED
"""


async def begin_waiting_launch(conn: Connection, head: QueueHead) -> Submission | None:
    """Let a launch begin that has waited; None when something is in its way, or somebody else has it."""
    waiting = await fetch_one(conn, Submission, LOCK_QUEUED, head.id)
    if waiting is None:
        return None
    facts = QueueFacts()
    if await conn.fetchval(LOCK, waiting.stage_id):
        found = await read_head_facts(conn, [waiting.stage_id])
        launcher = await launch_rights.find_lack(conn, waiting.stage_id, waiting.created_by)
        facts = replace(found[waiting.stage_id], launcher=launcher)
    if queue.list_blockers(await add_approval(conn, facts, waiting), waiting.jobs):
        return None
    return await fetch_one(conn, Submission, BEGIN, waiting.id, None, ServicePart.PROMOTE)
