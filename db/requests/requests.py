"""Requests: their content, their state, and their revisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.changes import sign_as_person, sign_as_service
from db.pool import Connection, Database, fetch_many, fetch_one
from domain.changes import Actor, ServicePart
from domain.permissions import Role
from domain.requests.requests import RequestContent, RequestState


@dataclass(frozen=True, slots=True)
class Request:
    """One row of `request`."""

    id: int
    experiment_id: int
    number: int
    state: RequestState
    state_since: datetime
    revision: int
    title: str
    content: dict[str, Any]
    campaign_id: int | None
    hashes: dict[str, str]
    missing: list[dict[str, Any]]
    priority_granted: int | None
    owner_id: int
    owning_role: Role
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RequestRevision:
    """One row of `request_revision`."""

    request_id: int
    number: int
    content: dict[str, Any]
    campaign_id: int | None
    campaign_revision: int | None
    parts: dict[str, Any]
    hashes: dict[str, str]
    author_id: int | None
    comment: str
    at: datetime


COLUMNS = ", ".join(Request.__dataclass_fields__)
R_COLUMNS = ", ".join(RequestRevision.__dataclass_fields__)
TOLD = """jsonb_build_object('request', 'request:' || id, 'number', number, 'title', title, 'revision', revision)"""


def tell_request_moves(by: str, reason: str) -> str:
    """The change that goes with a move of the CTE `moved`; `by` and `reason` are SQL for who moves it, and why."""
    return f"""
    INSERT INTO change_inbox (experiment_id, campaign_id, kind, actor_id, part, reason, body)
    SELECT experiment_id, campaign_id, 'request.' || state, {by}, nullif({reason}, ''), {TOLD} FROM moved
"""


BY_IDS = f"SELECT {COLUMNS} FROM request WHERE id = ANY($1::bigint[])"


async def find_by_ids(db: Database, ids: Sequence[int]) -> list[Request]:
    """Find the requests that exist among these."""
    return await fetch_many(db, Request, BY_IDS, ids)


LOCK = f"SELECT {COLUMNS} FROM request WHERE id = $1 FOR UPDATE"


async def lock(conn: Connection, id: int) -> Request:
    """A request as it is now, which nobody else changes or decides on before the transaction ends."""
    row = await fetch_one(conn, Request, LOCK, id)
    assert row is not None  # noqa: S101 - requests stay
    return row


BY_NUMBER = f"SELECT {COLUMNS} FROM request WHERE experiment_id = $1 AND number = $2"


async def find_by_number(db: Database, experiment_id: int, number: int) -> Request | None:
    """Find a request by what people call it in its experiment."""
    return await fetch_one(db, Request, BY_NUMBER, experiment_id, number)


OF_CAMPAIGN = "SELECT id FROM request WHERE campaign_id = $1"


async def find_by_campaign(db: Database, campaign_id: int) -> int | None:
    """The request whose plan a campaign is."""
    found = await db.fetchval(OF_CAMPAIGN, campaign_id)
    return None if found is None else int(found)


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests are wanted: None wants all."""

    experiment_ids: Sequence[int] | None = None
    states: Sequence[RequestState] | None = None
    owner_id: int | None = None
    title_contains: str | None = None
    asks: "AskedPerson | None" = None
    """Whose agreement they wait for now."""


@dataclass(frozen=True, slots=True)
class AskedPerson:
    """Somebody with their role in each of their experiments."""

    username: str
    roles: Mapping[int, Role]


# Of what waits there is little; what a rule asks is kept with the request.
ASKED = """(state IN ('submitted', 'approved', 'assigned', 'running') AND EXISTS (
               SELECT FROM jsonb_array_elements(missing) m
                WHERE (m ->> 'is_turn')::boolean AND NOT m -> 'barred' ? $7
                  AND (m -> 'people' ? $7 OR m -> 'roles' ?| ARRAY(
                       SELECT r.role FROM unnest($8::bigint[], $9::text[]) AS r (experiment_id, role)
                        WHERE r.experiment_id = request.experiment_id))))"""


def _render_page_statement(*, backwards: bool) -> str:
    sign, way = (">", "ASC") if backwards else ("<", "DESC")
    return f"""
        SELECT {COLUMNS} FROM request
         WHERE ($1::bigint[] IS NULL OR experiment_id = ANY($1)) AND ($2::request_state[] IS NULL OR state = ANY($2))
           AND ($3::bigint IS NULL OR owner_id = $3)
           AND ($4::text IS NULL OR position(lower($4) IN lower(title)) > 0)
           AND ($5::bigint IS NULL OR id {sign} $5) AND ($7::text IS NULL OR {ASKED})
         ORDER BY id {way} LIMIT $6
    """


FORWARD = _render_page_statement(backwards=False)
BACKWARD = _render_page_statement(backwards=True)


async def page(
    db: Database, wanted: RequestFilter, start: int | None, limit: int, *, backwards: bool
) -> list[Request]:
    """Read a page of requests, the newest first."""
    sql = BACKWARD if backwards else FORWARD
    given = wanted.experiment_ids, wanted.states, wanted.owner_id, wanted.title_contains
    asked: tuple[object, ...] = (None, [], [])
    if wanted.asks is not None:
        roles = wanted.asks.roles
        asked = wanted.asks.username, [*roles], [role.value for role in roles.values()]
    return await fetch_many(db, Request, sql, *given, start, limit, *asked)


CREATE = f"""
    WITH numbered AS (
        UPDATE experiment SET requests = requests + 1 WHERE id = $1 RETURNING requests
    ), moved AS (
        INSERT INTO request (experiment_id, number, title, content, campaign_id, owner_id, owning_role)
        SELECT $1, requests, $2, $3, $4, $5, $6 FROM numbered
        RETURNING *
    ), told AS ({tell_request_moves(sign_as_person("$5"), "NULL::text")})
    SELECT {COLUMNS} FROM moved
"""


async def create(
    conn: Connection,
    experiment_id: int,
    content: RequestContent,
    campaign_id: int | None,
    owner: tuple[int, Role],
) -> Request:
    """Make a draft; its revision follows with the first look at it."""
    given = experiment_id, content.title, content.to_json(), campaign_id
    row = await fetch_one(conn, Request, CREATE, *given, *owner)
    assert row is not None  # noqa: S101 - the experiment is there
    return row


SAVE = f"""
    UPDATE request SET title = $2, content = $3, campaign_id = $4, updated_at = now() WHERE id = $1 RETURNING {COLUMNS}
"""


async def update(
    conn: Connection, id: int, content: RequestContent, campaign_id: int | None
) -> Request:
    """Write other content into a locked request; its revision follows with the next look at it."""
    row = await fetch_one(conn, Request, SAVE, id, content.title, content.to_json(), campaign_id)
    assert row is not None  # noqa: S101 - it is locked
    return row


MOVE = f"""
    WITH moved AS (
        UPDATE request SET state = $3, state_since = now(), updated_at = now()
         WHERE id = $1 AND state = ANY($2::request_state[])
        RETURNING *
    ), told AS ({tell_request_moves("$4::bigint, $5::text", "$6::text")})
    SELECT {COLUMNS} FROM moved
"""


async def move_state(
    conn: Connection, id: int, old: Sequence[RequestState], new: RequestState, by: Actor
) -> Request | None:
    """Move a request; None when it is in none of the old states."""
    return await fetch_one(conn, Request, MOVE, id, list(old), new, *by.columns, by.reason)


BEGIN_RUNNING = f"""
    WITH moved AS (
        UPDATE request SET state = 'running', state_since = now(), updated_at = now()
         WHERE id IN (SELECT q.id FROM request q
                       WHERE q.state IN ('approved', 'assigned') AND EXISTS (
                             SELECT FROM submission s
                              WHERE s.campaign_id = q.campaign_id AND NOT s.is_test
                                AND s.state NOT IN ('queued', 'cancelled') AND s.created_at > q.created_at)
                       LIMIT 100 FOR UPDATE SKIP LOCKED)
        RETURNING *
    ), told AS ({tell_request_moves(sign_as_service(ServicePart.APPROVALS), "'Its campaign has launched.'")})
    SELECT count(*) FROM moved
"""


async def begin_running(db: Database) -> int:
    """Say of requests that they run whose campaigns have launched something in production since; returns how many."""
    return int(await db.fetchval(BEGIN_RUNNING))


# A revision is what was to be agreed to; where nothing of it has changed there is none.
REVISE = f"""
    WITH saved AS (
        UPDATE request SET revision = revision + 1, hashes = $4 WHERE id = $1
        RETURNING *
    ), kept AS (
        INSERT INTO request_revision (request_id, number, content, campaign_id, campaign_revision, parts, hashes,
                                      author_id, comment)
        SELECT id, revision, content, campaign_id, $2, $3, $4, $5, $6 FROM saved
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, campaign_id, 'request.saved', $5::bigint, $7::text, nullif($6::text, ''), {TOLD}
          FROM saved
    )
    SELECT {COLUMNS} FROM saved
"""


@dataclass(frozen=True, slots=True)
class RevisionSource:
    """Who has made a revision of a request, and why."""

    author_id: int | None = None
    """None: what the request refers to was changed elsewhere."""
    comment: str = ""


async def add_revision(
    conn: Connection,
    id: int,
    campaign_revision: int | None,
    parts: Mapping[str, Any],
    hashes: Mapping[str, str],
    source: RevisionSource,
) -> Request:
    """Keep what a locked request now is as its next revision."""
    part = None if source.author_id else ServicePart.APPROVALS
    given = campaign_revision, parts, hashes, source.author_id, source.comment, part
    row = await fetch_one(conn, Request, REVISE, id, *given)
    assert row is not None  # noqa: S101 - it is locked
    return row


NOTE_MISSING = "UPDATE request SET missing = $2 WHERE id = $1 AND missing <> $2"


async def note_missing(conn: Connection, id: int, missing: Sequence[Mapping[str, Any]]) -> None:
    """Keep who has still to agree."""
    await conn.execute(NOTE_MISSING, id, list(missing))


REVISION = f"SELECT {R_COLUMNS} FROM request_revision WHERE request_id = $1 AND number = $2"


async def find_revision(db: Database, id: int, number: int) -> RequestRevision | None:
    """Find one revision of a request."""
    return await fetch_one(db, RequestRevision, REVISION, id, number)


REVISIONS = f"""
    SELECT {R_COLUMNS} FROM request_revision
     WHERE request_id = $1 AND ($2::int IS NULL OR number < $2) ORDER BY number DESC LIMIT $3
"""


async def list_revisions(
    db: Database, id: int, before: int | None, limit: int
) -> list[RequestRevision]:
    """Read a page of a request's revisions, the newest first."""
    return await fetch_many(db, RequestRevision, REVISIONS, id, before, limit)
