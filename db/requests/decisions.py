"""What people have decided on requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from db.changes import sign_as_person
from db.pool import Connection, Database, fetch_many, fetch_one
from db.requests.requests import TOLD
from domain.permissions import Role
from domain.requests.approvals import Signature
from domain.requests.plan_parts import RequestPart
from domain.requests.requests import RequestDecisionKind


@dataclass(frozen=True, slots=True)
class RequestDecision:
    """One row of `request_decision`."""

    id: int
    request_id: int
    revision: int
    kind: RequestDecisionKind
    person_id: int
    role: Role | None
    behalf_id: int | None
    behalf_role: Role | None
    hashes: dict[str, str]
    comment: str
    at: datetime
    withdrawn_at: datetime | None


COLUMNS = ", ".join(RequestDecision.__dataclass_fields__)
OF_REQUESTS = f"""
    SELECT {COLUMNS} FROM request_decision WHERE request_id = ANY($1::bigint[]) ORDER BY id
"""


async def list_by_requests(db: Database, ids: Sequence[int]) -> list[RequestDecision]:
    """All that was decided on these requests, the oldest first."""
    return await fetch_many(db, RequestDecision, OF_REQUESTS, ids)


@dataclass(frozen=True, slots=True)
class SignatureRow:
    """An agreement that was not taken back, with whose it is."""

    decision_id: int
    username: str
    role: Role | None
    behalf_of: str | None
    behalf_role: Role | None
    hashes: dict[str, str]
    at: datetime


SIGNATURES = """
    SELECT d.id AS decision_id, p.username, d.role, b.username AS behalf_of, d.behalf_role, d.hashes, d.at
      FROM request_decision d JOIN person p ON p.id = d.person_id LEFT JOIN person b ON b.id = d.behalf_id
     WHERE d.request_id = $1 AND d.kind = 'approve' AND d.withdrawn_at IS NULL ORDER BY d.id
"""


async def list_signatures(db: Database, request_id: int) -> list[Signature]:
    """Who has agreed to which parts of a request, as they were."""
    return [
        Signature(
            decision_id=row.decision_id,
            username=row.username,
            role=row.role,
            behalf_of=row.behalf_of,
            behalf_role=row.behalf_role,
            hashes={RequestPart(part): found for part, found in row.hashes.items()},
            at=row.at,
        )
        for row in await fetch_many(db, SignatureRow, SIGNATURES, request_id)
    ]


AGREE = f"""
    WITH made AS (
        INSERT INTO request_decision (request_id, revision, kind, person_id, role, behalf_id, behalf_role, hashes,
                                      comment)
        SELECT id, revision, 'approve', $2, $3, $4, $5, $6, $7 FROM request WHERE id = $1
        RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, campaign_id, 'request.agreed', {sign_as_person("$2")}, nullif($7::text, ''), {TOLD}
          FROM request WHERE id = $1
    )
    SELECT {COLUMNS} FROM made
"""


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides, as what, and for whom."""

    person_id: int
    role: Role | None
    behalf_id: int | None = None
    behalf_role: Role | None = None


async def add_agreement(
    conn: Connection,
    request_id: int,
    by: Decider,
    hashes: Mapping[str, str],
    comment: str,
) -> RequestDecision:
    """Keep that somebody agrees to these parts of a locked request as they are."""
    who = by.person_id, by.role, by.behalf_id, by.behalf_role
    row = await fetch_one(conn, RequestDecision, AGREE, request_id, *who, hashes, comment)
    assert row is not None  # noqa: S101 - it is locked
    return row


# Whoever returns or rejects it moves it as well: the change tells of the move.
REFUSE = f"""
    INSERT INTO request_decision (request_id, revision, kind, person_id, role, hashes, comment)
    SELECT id, revision, $4, $2, $3, hashes, $5 FROM request WHERE id = $1
    RETURNING {COLUMNS}
"""


async def add_refusal(
    conn: Connection, request_id: int, by: Decider, kind: RequestDecisionKind, comment: str
) -> RequestDecision:
    """Keep that somebody has returned or rejected a locked request as it is."""
    row = await fetch_one(
        conn, RequestDecision, REFUSE, request_id, by.person_id, by.role, kind, comment
    )
    assert row is not None  # noqa: S101 - it is locked
    return row


WITHDRAW = f"""
    WITH moved AS (
        UPDATE request_decision SET withdrawn_at = now() WHERE id = $1 AND kind = 'approve' AND withdrawn_at IS NULL
        RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, campaign_id, 'request.agreement_withdrawn', {sign_as_person("$2")},
               nullif($3::text, ''), {TOLD}
          FROM request WHERE id IN (SELECT request_id FROM moved)
    )
    SELECT {COLUMNS} FROM moved
"""


async def retract_agreement(
    conn: Connection, id: int, person_id: int, reason: str
) -> RequestDecision | None:
    """Take an agreement back; None where that was done already."""
    return await fetch_one(conn, RequestDecision, WITHDRAW, id, person_id, reason)


BY_IDS = f"SELECT {COLUMNS} FROM request_decision WHERE id = ANY($1::bigint[])"


async def find_by_ids(db: Database, ids: Sequence[int]) -> list[RequestDecision]:
    """Find the decisions that exist among these."""
    return await fetch_many(db, RequestDecision, BY_IDS, ids)
