"""People and what they are in each experiment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.changes import sign_as_person
from db.keyset import PageRequest
from db.pool import Database, fetch_many, fetch_one
from domain.changes import Actor
from domain.permissions import Role


@dataclass(frozen=True, slots=True)
class Person:
    """One row of `person`."""

    id: int
    username: str
    name: str
    is_admin: bool
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Membership:
    """One row of `membership`."""

    person_id: int
    experiment_id: int
    role: Role
    since: datetime


@dataclass(frozen=True, slots=True)
class NamedMembership:
    """A membership with the name it is listed by."""

    person_id: int
    experiment_id: int
    role: Role
    since: datetime
    username: str


BY_IDS = """
    SELECT id, username, name, is_admin, active, created_at FROM person
     WHERE id = ANY($1::bigint[])
"""


async def find_by_ids(db: Database, ids: Sequence[int]) -> list[Person]:
    """Find the people who exist among these."""
    return await fetch_many(db, Person, BY_IDS, ids)


BY_USERNAME = """
    SELECT id, username, name, is_admin, active, created_at FROM person WHERE username = $1
"""


async def find_by_username(db: Database, username: str) -> Person | None:
    """Find a person."""
    return await fetch_one(db, Person, BY_USERNAME, username)


ADD = """
    INSERT INTO person (username, name, is_admin) VALUES ($1, $2, $3)
        ON CONFLICT (username) DO NOTHING
    RETURNING id, username, name, is_admin, active, created_at
"""


async def create(db: Database, username: str, name: str, *, is_admin: bool) -> Person | None:
    """Add a person, or return None when the username is taken."""
    return await fetch_one(db, Person, ADD, username, name, is_admin)


OF_PEOPLE = """
    SELECT person_id, experiment_id, role, since FROM membership
     WHERE person_id = ANY($1::bigint[])
     ORDER BY person_id, experiment_id
"""


async def list_memberships(db: Database, person_ids: Sequence[int]) -> list[Membership]:
    """What these people are, everywhere."""
    return await fetch_many(db, Membership, OF_PEOPLE, person_ids)


MEMBERS_FORWARD = """
    SELECT m.person_id, m.experiment_id, m.role, m.since, p.username
      FROM membership m JOIN person p ON p.id = m.person_id
     WHERE m.experiment_id = $1 AND ($2::text IS NULL OR p.username > $2)
     ORDER BY p.username LIMIT $3
"""

MEMBERS_BACKWARD = """
    SELECT m.person_id, m.experiment_id, m.role, m.since, p.username
      FROM membership m JOIN person p ON p.id = m.person_id
     WHERE m.experiment_id = $1 AND ($2::text IS NULL OR p.username < $2)
     ORDER BY p.username DESC LIMIT $3
"""


async def list_members(
    db: Database, experiment_id: int, place: PageRequest
) -> list[NamedMembership]:
    """Read a page of an experiment's members."""
    sql = MEMBERS_BACKWARD if place.backwards else MEMBERS_FORWARD
    return await fetch_many(db, NamedMembership, sql, experiment_id, place.start, place.limit)


SHARES = """
    SELECT EXISTS (SELECT FROM membership
                    WHERE person_id = $1 AND experiment_id = ANY($2::bigint[]))
"""


async def is_in_experiments(db: Database, person_id: int, experiment_ids: Sequence[int]) -> bool:
    """Whether a person is in any of these experiments."""
    return bool(await db.fetchval(SHARES, person_id, experiment_ids))


SET_MEMBERSHIP = f"""
    WITH put AS (
        INSERT INTO membership AS m (person_id, experiment_id, role) VALUES ($1, $2, $3)
            ON CONFLICT (person_id, experiment_id) DO UPDATE
               SET role = excluded.role, since = now()
             WHERE m.role <> excluded.role
        RETURNING person_id, experiment_id, role, since
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, 'membership.changed', {sign_as_person("$4")}, $5::text,
               jsonb_build_object('person', 'person:' || person_id, 'role', role)
          FROM put
    )
    SELECT person_id, experiment_id, role, since FROM put
"""


async def set_membership(
    db: Database, person_id: int, experiment_id: int, role: Role, by: Actor
) -> bool:
    """Make a person this in an experiment; False when they are it already."""
    given = person_id, experiment_id, role, by.id, by.reason
    return await fetch_one(db, Membership, SET_MEMBERSHIP, *given) is not None


END_MEMBERSHIP = f"""
    WITH gone AS (
        DELETE FROM membership WHERE person_id = $1 AND experiment_id = $2
        RETURNING person_id, experiment_id, role, since
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, 'membership.changed', {sign_as_person("$3")}, $4::text,
               jsonb_build_object('person', 'person:' || person_id, 'role', NULL)
          FROM gone
    )
    SELECT person_id, experiment_id, role, since FROM gone
"""


async def end_membership(db: Database, person_id: int, experiment_id: int, by: Actor) -> bool:
    """Take a person out of an experiment; False when they are not in it."""
    given = person_id, experiment_id, by.id, by.reason
    return await fetch_one(db, Membership, END_MEMBERSHIP, *given) is not None


ACTIVE_USERNAMES = """
    SELECT p.username FROM membership m JOIN person p ON p.id = m.person_id WHERE m.experiment_id = $1 AND p.active
"""


async def list_active_usernames(db: Database, experiment_id: int) -> list[str]:
    """The members of an experiment who may sign in."""
    return [row["username"] for row in await db.fetch(ACTIVE_USERNAMES, experiment_id)]
