"""Listings: complete or nothing, by one worker at a time, in pieces that a killed one leaves whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.changes import sign_as_person, sign_as_service
from db.pool import Database, fetch_many, fetch_one
from db.setbacks import leave_out
from domain.changes import ChangeKind, ServicePart
from domain.files.listings import DifferenceKind, ListingState


@dataclass(frozen=True, slots=True)
class DatasetListing:
    """One row of `dataset_listing`."""

    id: int
    dataset_id: int
    state: ListingState
    requested_at: datetime
    requested_by: int | None
    begun_at: datetime | None
    ended_at: datetime | None
    next_try_at: datetime
    attempts: int
    trouble: str
    claims: int
    told_before: int | None
    told_after: int | None
    told_bytes: int | None
    told_revision: str | None
    is_unchanged: bool
    listed: int
    placed_to: int
    fresh: int
    gone: int
    differing: int
    doubled: int
    decided_by: int | None
    reason: str


COLUMNS = ", ".join(DatasetListing.__dataclass_fields__)
L_COLUMNS = ", ".join(f"l.{name}" for name in DatasetListing.__dataclass_fields__)

NEWEST = f"""
    SELECT {L_COLUMNS} FROM unnest($1::bigint[]) AS x (id)
     CROSS JOIN LATERAL (SELECT * FROM dataset_listing WHERE dataset_id = x.id ORDER BY id DESC LIMIT 1) l
"""


async def find_newest(db: Database, dataset_ids: Sequence[int]) -> list[DatasetListing]:
    """The newest listings of those of these datasets that have one."""
    return await fetch_many(db, DatasetListing, NEWEST, dataset_ids)


LAST_READ = f"""
    SELECT {COLUMNS} FROM dataset_listing
     WHERE dataset_id = $1 AND state = 'published' AND NOT is_unchanged ORDER BY id DESC LIMIT 1
"""


async def find_last_read(db: Database, dataset_id: int) -> DatasetListing | None:
    """The newest listing that was read as a whole, and published."""
    return await fetch_one(db, DatasetListing, LAST_READ, dataset_id)


def tell_listing(kind: ChangeKind, by: str, reason: str = "NULL") -> str:
    """SQL that tells of the listing of the CTE `moved`."""
    return f"""
    INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
    SELECT d.experiment_id, '{kind.value}', {by}, {reason},
           jsonb_build_object('dataset', 'dataset:' || d.id, 'name', d.name, 'listing_state', m.state,
                              'text', m.trouble, 'fresh_count', m.fresh, 'gone_count', m.gone,
                              'differing_count', m.differing + m.doubled)
      FROM moved m JOIN dataset d ON d.id = m.dataset_id
    """


ASK = f"""
    WITH moved AS (
        INSERT INTO dataset_listing AS l (dataset_id, requested_by) VALUES ($1, $2)
            ON CONFLICT (dataset_id) WHERE state IN ('requested', 'reading', 'publishing', 'waiting')
            DO UPDATE SET next_try_at = now(), requested_by = excluded.requested_by
        RETURNING *
    ), told AS ({tell_listing(ChangeKind.DATASET_LISTING_REQUESTED, sign_as_person("$2"))})
    SELECT {COLUMNS} FROM moved
"""
# What was wrong with one that waits for a person may be mended in the catalog by now.
END_WAITING = """
    UPDATE dataset_listing SET state = 'failed', ended_at = now(), trouble = 'It was asked for anew.'
     WHERE dataset_id = $1 AND state = 'waiting'
"""


async def ask_for_listing(db: Database, dataset_id: int, person_id: int) -> DatasetListing:
    """Have a dataset listed as soon as may be; one that is under way already is hurried instead."""
    await db.execute(END_WAITING, dataset_id)
    found = await fetch_one(db, DatasetListing, ASK, dataset_id, person_id)
    assert found is not None  # noqa: S101 - it is there, or was made
    return found


DECIDE = f"""
    WITH moved AS (
        UPDATE dataset_listing
           SET state = CASE WHEN $3 THEN 'publishing' ELSE 'failed' END::listing_state, decided_by = $2, reason = $4,
               ended_at = CASE WHEN NOT $3 THEN now() END, next_try_at = now(), attempts = 0,
               trouble = CASE WHEN $3 THEN '' ELSE 'Somebody has said that it is wrong.' END
         WHERE dataset_id = $1 AND state = 'waiting'
        RETURNING *
    ), due AS (
        UPDATE dataset d SET list_at = now() + interval '1 hour'
          FROM moved WHERE d.id = moved.dataset_id AND d.policy = 'growing' AND NOT $3
    ), told AS ({tell_listing(ChangeKind.DATASET_LISTING_DECIDED, sign_as_person("$2"), "$4::text")})
    SELECT {COLUMNS} FROM moved
"""


async def decide_listing(
    db: Database, dataset_id: int, person_id: int, reason: str, *, accepts: bool
) -> DatasetListing | None:
    """Say whether the listing that waits is right; None where none waits."""
    return await fetch_one(db, DatasetListing, DECIDE, dataset_id, person_id, accepts, reason)


ASK_DUE = """
    WITH due AS (
        UPDATE dataset SET list_at = NULL
         WHERE id = ANY (ARRAY(SELECT id FROM dataset WHERE list_at <= now()
                                ORDER BY list_at LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED))
        RETURNING id
    )
    INSERT INTO dataset_listing (dataset_id) SELECT id FROM due
        ON CONFLICT (dataset_id) WHERE state IN ('requested', 'reading', 'publishing', 'waiting') DO NOTHING
"""


async def ask_due_listings(db: Database) -> None:
    """Ask for the listings whose time has come."""
    await db.execute(ASK_DUE)


@dataclass(frozen=True, slots=True)
class ListingClaim:
    """A listing that a worker has for a while; `claims` proves that it is still its own."""

    id: int
    claims: int
    state: ListingState
    dataset_id: int
    experiment_id: int
    catalog_id: int
    definition: str
    attempts: int
    requested_by: int | None
    placed_to: int


CLAIM = f"""
    WITH claimed AS (
        UPDATE dataset_listing SET holder = $1, held_until = now() + make_interval(secs => $2), claims = claims + 1
         WHERE id = (SELECT l.id FROM dataset_listing l JOIN dataset d ON d.id = l.dataset_id
                      WHERE l.state IN ('requested', 'reading', 'publishing') AND l.next_try_at <= now()
                        AND coalesce(l.held_until, now()) <= now() AND d.catalog_id <> ALL($3::bigint[])
                        AND {leave_out("listings", "'dataset:' || l.dataset_id")}
                      ORDER BY l.next_try_at LIMIT 1 FOR UPDATE OF l SKIP LOCKED)
        RETURNING *
    )
    SELECT c.id, c.claims, c.state, c.dataset_id, d.experiment_id, d.catalog_id, d.definition, c.attempts,
           c.requested_by, c.placed_to
      FROM claimed c JOIN dataset d ON d.id = c.dataset_id
"""


async def claim_listing(
    db: Database, holder: str, lease_s: float, full: Sequence[int] = ()
) -> ListingClaim | None:
    """Take one on that is to go on now, of catalogs that are not `full`."""
    return await fetch_one(db, ListingClaim, CLAIM, holder, lease_s, list(full))


RENEW = """
    UPDATE dataset_listing SET held_until = now() + make_interval(secs => $3)
     WHERE id = $1 AND claims = $2 AND held_until IS NOT NULL
    RETURNING true
"""


async def renew_claim(db: Database, claim: ListingClaim, lease_s: float) -> bool:
    """Keep a listing; false where somebody else has it."""
    return bool(await db.fetchval(RENEW, claim.id, claim.claims, lease_s))


@dataclass(frozen=True, slots=True)
class ListingDifference:
    """One row of `listing_difference`."""

    name: str
    kind: DifferenceKind
    since: datetime
    details: str


DIFFERENCES = """
    SELECT name, kind, since, details FROM listing_difference WHERE dataset_id = $1 AND name > $2 ORDER BY name LIMIT $3
"""


async def list_differences(
    db: Database, dataset_id: int, after: str, limit: int
) -> list[ListingDifference]:
    """What the newest listing has otherwise than the dataset, by name."""
    return await fetch_many(db, ListingDifference, DIFFERENCES, dataset_id, after, limit)


UNLISTED = """
    SELECT l.state, l.requested_at, l.trouble FROM dataset d
      LEFT JOIN LATERAL (SELECT * FROM dataset_listing WHERE dataset_id = d.id ORDER BY id DESC LIMIT 1) l ON true
     WHERE d.id = $1 AND d.catalog_id IS NOT NULL AND d.listed_at IS NULL
"""


async def explain_unlisted(db: Database, dataset_id: int) -> str | None:
    """Why nothing is known yet of what a dataset refers to; None where it was listed, or refers to nothing."""
    row: Any = await db.fetchrow(UNLISTED, dataset_id)
    if row is None:
        return None
    trouble = f": {row['trouble']}" if row["trouble"] else ""
    return f"its dataset was not listed yet ({row['state'] or 'to be asked for'}{trouble})"


_SERVICE = sign_as_service(ServicePart.LISTINGS)
POSTPONE = f"""
    WITH unknown AS (
        UPDATE dataset d SET unknown_since = coalesce(d.unknown_since, now())
          FROM dataset_listing l WHERE l.id = $1 AND l.claims = $2 AND d.id = l.dataset_id
        RETURNING d.id, old.unknown_since IS NULL AS is_news
    ), postponed AS (
        UPDATE dataset_listing
           SET state = CASE WHEN state = 'reading' THEN 'requested' ELSE state END, attempts = attempts + 1,
               next_try_at = $4, trouble = left($3, 1000), holder = NULL, held_until = NULL
         WHERE id = $1 AND claims = $2
        RETURNING *
    ), moved AS (
        SELECT postponed.* FROM postponed JOIN unknown ON unknown.id = postponed.dataset_id WHERE unknown.is_news
    )
    {tell_listing(ChangeKind.DATASET_LISTING_FAILED, _SERVICE)}
"""


async def postpone_listing(
    db: Database, claim: ListingClaim, trouble: str, retry_at: datetime
) -> None:
    """Try it again later: the catalog tells nothing now. That it tells nothing is told once."""
    await db.execute(POSTPONE, claim.id, claim.claims, trouble, retry_at)


FAIL = f"""
    WITH moved AS (
        UPDATE dataset_listing
           SET state = 'failed', ended_at = now(), trouble = left($3, 1000), holder = NULL, held_until = NULL
         WHERE id = $1 AND claims = $2
        RETURNING *
    ), unknown AS (
        UPDATE dataset d SET unknown_since = coalesce(d.unknown_since, now())
          FROM moved WHERE d.id = moved.dataset_id
    )
    {tell_listing(ChangeKind.DATASET_LISTING_FAILED, _SERVICE)}
"""


async def fail_listing(db: Database, claim: ListingClaim, trouble: str) -> None:
    """End it: the catalog refuses what is asked, and would again until something is changed."""
    await db.execute(FAIL, claim.id, claim.claims, trouble)
