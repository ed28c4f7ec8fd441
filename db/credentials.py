"""The records of credentials, never the secrets: where they lie, until when they hold, who renews them."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

import asyncpg

from db.keyset import Place, Taken, by_name, named
from db.pool import Database, many, one
from domain.credentials import Terms
from domain.launches import CredentialKind


@dataclass(frozen=True, slots=True)
class Credential:
    """One row of `credential`."""

    id: int
    experiment_id: int
    owner_id: int
    name: str
    kind: CredentialKind
    purpose: str
    path: str
    renewal: list[str]
    expires_at: datetime | None
    created_at: datetime
    given_expiry: datetime | None
    covers_jobs: bool
    problem: str
    seen_at: datetime
    warned_for: datetime | None
    looked_at: datetime
    renew_at: datetime | None
    renewing_until: datetime | None
    tries: int
    renewed_at: datetime | None
    said: str

    @property
    def terms(self) -> Terms:
        """As the domain looks at it."""
        return Terms(self.name, self.problem, self.expires_at, self.covers_jobs, bool(self.renewal))


COLUMNS = ", ".join(Credential.__dataclass_fields__)
C_COLUMNS = ", ".join(f"c.{name}" for name in Credential.__dataclass_fields__)

BY_IDS = f"SELECT {COLUMNS} FROM credential WHERE id = ANY($1::bigint[])"


async def by_ids(db: Database, ids: Sequence[int]) -> list[Credential]:
    """Find the credentials that exist among these."""
    return await many(db, Credential, BY_IDS, ids)


BY_NAME = f"SELECT {COLUMNS} FROM credential WHERE experiment_id = $1 AND name = $2"


async def find(db: Database, experiment_id: int, name: str) -> Credential | None:
    """Find an experiment's credential."""
    return await one(db, Credential, BY_NAME, experiment_id, name)


FORWARD = by_name("credential", COLUMNS, backwards=False)
BACKWARD = by_name("credential", COLUMNS, backwards=True)


async def page(
    db: Database, experiment_id: int, place: Place, contains: str | None
) -> list[Credential]:
    """Read a page of an experiment's credentials."""
    return await named(db, Credential, (FORWARD, BACKWARD), experiment_id, place, contains)


IN_NEED = f"""
    SELECT {COLUMNS} FROM credential
     WHERE ($1::bigint[] IS NULL OR experiment_id = ANY($1))
       AND looked_at > '-infinity' AND (problem <> '' OR warned_for = expires_at)
     ORDER BY expires_at, id LIMIT $2
"""


async def in_need(db: Database, experiments: Sequence[int] | None, bound: int) -> list[Credential]:
    """Those that can't be used or soon can't, of these experiments or of all, the most urgent first."""
    return await many(db, Credential, IN_NEED, experiments, bound)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What people record of a credential."""

    name: str
    kind: CredentialKind
    purpose: str
    path: str
    renewal: list[str]
    expires_at: datetime | None
    covers_jobs: bool


TOLD = """
    INSERT INTO change_inbox (experiment_id, kind, body)
    SELECT experiment_id, 'credential.saved',
           jsonb_build_object('credential', 'credential:' || id, 'name', name, 'expires_at', expires_at)
      FROM saved
"""

CREATE = f"""
    WITH saved AS (
        INSERT INTO credential (experiment_id, owner_id, name, kind, purpose, path, renewal, expires_at, given_expiry,
                                covers_jobs)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)
            ON CONFLICT (experiment_id, name) DO NOTHING
        RETURNING *
    ), told AS ({TOLD})
    SELECT {COLUMNS} FROM saved
"""


async def create(
    db: Database, experiment_id: int, owner_id: int, given: Wanted
) -> Credential | None:
    """Record a credential, or return None when the name is taken."""
    return await one(db, Credential, CREATE, experiment_id, owner_id, *astuple(given))


CHANGE = f"""
    WITH saved AS (
        UPDATE credential
           SET name = $2, kind = $3, purpose = $4, path = $5, renewal = $6, expires_at = $7, given_expiry = $7,
               covers_jobs = $8,
               problem = DEFAULT, looked_at = DEFAULT, warned_for = NULL, renew_at = NULL, tries = 0
         WHERE id = $1
        RETURNING *
    ), told AS ({TOLD})
    SELECT {COLUMNS} FROM saved
"""


async def change(db: Database, id: int, given: Wanted) -> Credential | None:
    """Record it anew, to be looked at again; None when it is gone. Raises Taken for another one's name."""
    try:
        return await one(db, Credential, CHANGE, id, *astuple(given))
    except asyncpg.UniqueViolationError as error:
        raise Taken from error


USERS = "SELECT name FROM login_setup WHERE credential_id = $1 ORDER BY name LIMIT 20"


async def users(db: Database, id: int) -> list[str]:
    """The names of login setups that use it, the first twenty."""
    return [row["name"] for row in await db.fetch(USERS, id)]


REMOVE = """
    WITH gone AS (
        DELETE FROM credential WHERE id = $1
        RETURNING id, experiment_id, name
    )
    INSERT INTO change_inbox (experiment_id, kind, body)
    SELECT experiment_id, 'credential.removed',
           jsonb_build_object('credential', 'credential:' || id, 'name', name)
      FROM gone
    RETURNING id
"""


class InUse(Exception):
    """Login setups use the credential."""


async def remove(db: Database, id: int) -> bool:
    """Forget a credential, the file stays; False when there is none. Raises InUse."""
    try:
        return await db.fetchval(REMOVE, id) is not None
    except asyncpg.ForeignKeyViolationError as error:
        raise InUse from error


@dataclass(frozen=True, slots=True)
class Lying:
    """Where a credential lies: a path in the folder of an experiment."""

    experiment: str
    path: str


OF_SUBMISSION = f"""
    SELECT {C_COLUMNS}
      FROM submission s
      JOIN stage t ON t.id = s.stage_id
      JOIN login_setup l ON l.id = t.login_setup_id
      JOIN credential c ON c.id = l.credential_id
     WHERE s.id = $1
"""


async def of_submission(db: Database, submission_id: int) -> Credential | None:
    """What the login setup of its stage has now: who mends a login setup mends its launches."""
    return await one(db, Credential, OF_SUBMISSION, submission_id)


LYING = """
    SELECT e.name AS experiment, c.path
      FROM credential c JOIN experiment e ON e.id = c.experiment_id
     WHERE c.id = $1
"""


async def lying(db: Database, id: int) -> Lying | None:
    """Where it lies; None when it was removed."""
    return await one(db, Lying, LYING, id)


LOOK = f"""
    UPDATE credential SET looked_at = now()
     WHERE id = (SELECT id FROM credential WHERE looked_at < now() - make_interval(secs => $1)
                  ORDER BY looked_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING {COLUMNS}
"""


async def look(db: Database, every_s: float) -> Credential | None:
    """Take one on that it is time to look at."""
    return await one(db, Credential, LOOK, every_s)


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at a credential's file told."""

    expires_at: datetime | None
    problem: str
    expiring: bool
    renew_at: datetime | None


# Warned of once for each end that it has; renewed when that end is a later one.
LOOKED = """
    WITH saved AS (
        UPDATE credential
           SET expires_at = $3, problem = $4,
               seen_at = CASE WHEN expires_at IS DISTINCT FROM $3 THEN now() ELSE seen_at END,
               warned_for = CASE WHEN $5 THEN $3 ELSE warned_for END,
               renew_at = CASE WHEN tries > 0 THEN renew_at ELSE $6 END
         WHERE id = $1 AND looked_at = $2
        RETURNING new.id, new.experiment_id, new.name, new.expires_at, old.expires_at AS was,
                  $5 AND old.warned_for IS DISTINCT FROM $3 AS expiring
    )
    INSERT INTO change_inbox (experiment_id, kind, body)
    SELECT experiment_id, CASE WHEN expiring THEN 'credential.expiring' ELSE 'credential.renewed' END,
           jsonb_build_object('credential', 'credential:' || id, 'name', name, 'expires_at', expires_at)
      FROM saved WHERE expiring OR expires_at > was
    RETURNING id
"""


async def looked(db: Database, row: Credential, found: Found) -> bool:
    """Note what was found, unless somebody looked again or changed it; true when that is news."""
    return await db.fetchval(LOOKED, row.id, row.looked_at, *astuple(found)) is not None


RENEW = f"""
    UPDATE credential SET renewing_until = now() + make_interval(secs => $1)
     WHERE id = (SELECT id FROM credential
                  WHERE renew_at <= now() AND coalesce(renewing_until, now()) <= now()
                  ORDER BY renew_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING {COLUMNS}
"""


async def renew(db: Database, lease_s: float) -> Credential | None:
    """Take one on whose renewal is due, for as long as its command may take."""
    return await one(db, Credential, RENEW, lease_s)


# Looked at again at once: what the file says decides, not the command's word.
RENEWED = """
    UPDATE credential
       SET renewing_until = NULL, looked_at = '-infinity', said = $3, renew_at = $4,
           tries = CASE WHEN $4::timestamptz IS NULL THEN 0 ELSE tries + 1 END,
           renewed_at = CASE WHEN $4::timestamptz IS NULL THEN now() ELSE renewed_at END
     WHERE id = $1 AND renewing_until = $2
    RETURNING id
"""


async def renewed(db: Database, row: Credential, said: str, retry_at: datetime | None) -> bool:
    """Note what its command said; with a time to try it again where it failed."""
    return await db.fetchval(RENEWED, row.id, row.renewing_until, said, retry_at) is not None
