"""Who somebody is at issuers of tokens outside of POMS, and which roles those have said."""

from collections.abc import Collection
from dataclasses import dataclass

from db.changes import FOR_ADMINS, sign_as_service
from db.pool import AnyPool, Connection, Database, fetch_one
from domain.changes import ServicePart
from domain.permissions import Role


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose a subject of an issuer is."""

    person_id: int
    username: str
    mapped: dict[str, str]
    """The roles that the issuer said last, by id of experiment."""


@dataclass(frozen=True, slots=True)
class SaidIdentity:
    """What an issuer says of somebody."""

    issuer: str
    subject: str
    username: str
    name: str
    adopts: bool
    """Whether who is here already with this user name is the same person."""
    roles: frozenset[tuple[int, Role]]
    """By experiment; of each one at most."""
    said: frozenset[int]
    """The experiments of whose roles it says something, if only that there is none."""
    is_whole: bool
    """Whether roles that it does not say any more are lost."""


class UnknownPerson(Exception):
    """Nobody here is meant, and nobody is made; the text says why."""


FIND = """
    SELECT i.person_id, p.username, i.mapped FROM identity i JOIN person p ON p.id = i.person_id
     WHERE i.issuer = $1 AND i.subject = $2
"""
LOCK = f"{FIND} FOR NO KEY UPDATE OF i"

EXPERIMENTS = "SELECT name, id FROM experiment WHERE name = ANY($1::text[])"


async def find_experiment_ids(db: Database, names: Collection[str]) -> dict[str, int]:
    """The experiments of these names that there are."""
    return {row["name"]: row["id"] for row in await db.fetch(EXPERIMENTS, list(names))}


async def record_identity(pool: AnyPool, said: SaidIdentity) -> str:
    """Take somebody for whom the issuer says they are, with the roles that it says; returns their user name.

    Who was never here is made where the issuer says a role. Roles that were said before and are not any more are lost
    if it says all; roles that somebody else has given or taken stay as they are. Raises UnknownPerson.
    """
    found = await fetch_one(pool, Identity, FIND, said.issuer, said.subject)
    if found and _count_roles(found, said) == found.mapped:
        return found.username
    async with pool.acquire() as conn, conn.transaction():
        found = await fetch_one(conn, Identity, LOCK, said.issuer, said.subject)
        if found is None:
            await _add_identity(conn, said)
            found = await fetch_one(conn, Identity, LOCK, said.issuer, said.subject)
            assert found is not None  # noqa: S101 - it was added
        await _follow_roles(conn, found, said)
        return found.username


def _count_roles(known: Identity, said: SaidIdentity) -> dict[str, str]:
    """All that it says: what it said before stays where it says nothing now."""
    now = {str(experiment): role.value for experiment, role in said.roles}
    lost = {str(experiment) for experiment in said.said} if said.is_whole else set[str]()
    return {key: role for key, role in known.mapped.items() if key not in lost} | now


ADD_PERSON = f"""
    WITH changed AS (
        INSERT INTO person (username, name) VALUES ($1, $2) ON CONFLICT (username) DO NOTHING RETURNING id
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT {FOR_ADMINS}::bigint, 'person.created', {sign_as_service(ServicePart.IDENTITY)}, $3::text,
               jsonb_build_object('person', 'person:' || id)
          FROM changed
    )
    SELECT id FROM changed
"""
ADOPT = """
    SELECT id FROM person p
     WHERE username = $1 AND NOT EXISTS (SELECT FROM identity i WHERE i.person_id = p.id AND i.issuer = $2)
"""
TIE = "INSERT INTO identity (issuer, subject, person_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"


async def _add_identity(conn: Connection, said: SaidIdentity) -> None:
    person_id = await conn.fetchval(ADOPT, said.username, said.issuer) if said.adopts else None
    if person_id is None and not said.username:
        raise UnknownPerson("Your token has no user name that can be one here.")
    if person_id is None:
        if not said.roles:
            raise UnknownPerson(
                "You are not known here, and no group or capability of your token stands for a role."
            )
        reason = f"First sign-in by {said.issuer}"
        person_id = await conn.fetchval(ADD_PERSON, said.username, said.name, reason)
    if person_id is not None:
        await conn.execute(TIE, said.issuer, said.subject, person_id)
    elif (
        await fetch_one(conn, Identity, FIND, said.issuer, said.subject) is None
    ):  # else it was meanwhile
        raise UnknownPerson(f"There is somebody else called {said.username} here: ask an admin.")


# A role that somebody has given by hand is theirs to change.
FOLLOW = f"""
    WITH put AS (
        INSERT INTO membership AS m (person_id, experiment_id, role)
        SELECT $1, w.experiment_id, w.role::role
          FROM unnest($2::bigint[], $3::text[]) AS w (experiment_id, role)
            ON CONFLICT (person_id, experiment_id) DO UPDATE SET role = excluded.role, since = now()
         WHERE m.role <> excluded.role AND m.role::text = $4::jsonb ->> m.experiment_id::text
        RETURNING person_id, experiment_id, role
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, 'membership.changed', {sign_as_service(ServicePart.IDENTITY)}, $5::text,
               jsonb_build_object('person', 'person:' || person_id, 'role', role)
          FROM put
    )
    SELECT count(*) FROM put
"""
LOSE = f"""
    WITH gone AS (
        DELETE FROM membership m
         WHERE person_id = $1 AND experiment_id = ANY($2::bigint[]) AND role::text = $3::jsonb ->> experiment_id::text
        RETURNING person_id, experiment_id
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, 'membership.changed', {sign_as_service(ServicePart.IDENTITY)}, $4::text,
               jsonb_build_object('person', 'person:' || person_id, 'role', NULL)
          FROM gone
    )
    SELECT count(*) FROM gone
"""
REMEMBER = "UPDATE identity SET mapped = $3 WHERE issuer = $1 AND subject = $2"


async def _follow_roles(conn: Connection, known: Identity, said: SaidIdentity) -> None:
    """Make roles those that are said, as far as they are others than were said before."""
    now, before = _count_roles(known, said), known.mapped
    gained = {int(key): role for key, role in now.items() if before.get(key) != role}
    lost, reason = [int(key) for key in before if key not in now], f"As {said.issuer} says"
    given = known.person_id, list(gained), list(gained.values()), before, reason
    if gained:
        await conn.fetchval(FOLLOW, *given)
    if lost:
        await conn.fetchval(LOSE, known.person_id, lost, before, reason)
    await conn.execute(REMEMBER, said.issuer, said.subject, now)
