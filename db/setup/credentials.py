"""The records of credentials, never the secrets: where they lie, until when they hold, who renews them."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

import asyncpg

from db.changes import sign_as_person, sign_as_service, tell_saved_row
from db.keyset import NameIsTaken, PageRequest, page_by_name, render_page_by_name
from db.pool import Database, fetch_many, fetch_one
from db.setbacks import leave_out
from domain.changes import ChangeKind, ServicePart
from domain.permissions import Role
from domain.setup.credentials import CredentialKind, CredentialTerms


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
    expiry_found_at: datetime
    warned_for: datetime | None
    checked_at: datetime
    renew_at: datetime | None
    renewing_until: datetime | None
    renewal_attempts: int
    renewed_at: datetime | None
    renewal_output: str
    owning_role: Role

    @property
    def terms(self) -> CredentialTerms:
        """As the domain looks at it."""
        return CredentialTerms(
            self.name, self.problem, self.expires_at, self.covers_jobs, bool(self.renewal)
        )


COLUMNS = ", ".join(Credential.__dataclass_fields__)
C_COLUMNS = ", ".join(f"c.{name}" for name in Credential.__dataclass_fields__)

BY_IDS = f"SELECT {COLUMNS} FROM credential WHERE id = ANY($1::bigint[])"


async def find_by_ids(db: Database, ids: Sequence[int]) -> list[Credential]:
    """Find the credentials that exist among these."""
    return await fetch_many(db, Credential, BY_IDS, ids)


BY_NAME = f"SELECT {COLUMNS} FROM credential WHERE experiment_id = $1 AND name = $2"


async def find(db: Database, experiment_id: int, name: str) -> Credential | None:
    """Find an experiment's credential."""
    return await fetch_one(db, Credential, BY_NAME, experiment_id, name)


FORWARD = render_page_by_name("credential", COLUMNS, backwards=False)
BACKWARD = render_page_by_name("credential", COLUMNS, backwards=True)


async def page(
    db: Database, experiment_id: int, place: PageRequest, contains: str | None
) -> list[Credential]:
    """Read a page of an experiment's credentials."""
    return await page_by_name(db, Credential, (FORWARD, BACKWARD), experiment_id, place, contains)


IN_NEED = f"""
    SELECT {COLUMNS} FROM credential
     WHERE ($1::bigint[] IS NULL OR experiment_id = ANY($1))
       AND checked_at > '-infinity' AND (problem <> '' OR warned_for = expires_at)
     ORDER BY expires_at, id LIMIT $2
"""


async def list_in_need(
    db: Database, experiments: Sequence[int] | None, bound: int
) -> list[Credential]:
    """Those that can't be used or soon can't, of these experiments or of all, the most urgent first."""
    return await fetch_many(db, Credential, IN_NEED, experiments, bound)


@dataclass(frozen=True, slots=True)
class CredentialDefinition:
    """What people record of a credential."""

    name: str
    kind: CredentialKind
    purpose: str
    path: str
    renewal: list[str]
    expires_at: datetime | None
    covers_jobs: bool


CREATE = f"""
    WITH saved AS (
        INSERT INTO credential (experiment_id, owner_id, name, kind, purpose, path, renewal, expires_at, given_expiry,
                                covers_jobs, owning_role)
        VALUES ($1, $2, $4, $5, $6, $7, $8, $9, $9, $10, $3)
            ON CONFLICT (experiment_id, name) DO NOTHING
        RETURNING *
    ), told AS ({tell_saved_row(ChangeKind.CREDENTIAL_SAVED, sign_as_person("$2"), "expires_at")})
    SELECT {COLUMNS} FROM saved
"""


async def create(
    db: Database, experiment_id: int, owner: tuple[int, Role], given: CredentialDefinition
) -> Credential | None:
    """Record a credential, or return None when the name is taken."""
    return await fetch_one(db, Credential, CREATE, experiment_id, *owner, *astuple(given))


CHANGE = f"""
    WITH saved AS (
        UPDATE credential
           SET name = $2, kind = $3, purpose = $4, path = $5, renewal = $6, expires_at = $7, given_expiry = $7,
               covers_jobs = $8,
               problem = DEFAULT, checked_at = DEFAULT, warned_for = NULL, renew_at = NULL, renewal_attempts = 0
         WHERE id = $1
        RETURNING *
    ), told AS ({tell_saved_row(ChangeKind.CREDENTIAL_SAVED, sign_as_person("$9"), "expires_at")})
    SELECT {COLUMNS} FROM saved
"""


async def update(
    db: Database, id: int, given: CredentialDefinition, person_id: int
) -> Credential | None:
    """Record it anew, to be looked at again; None when it is gone. Raises Taken for another one's name."""
    try:
        return await fetch_one(db, Credential, CHANGE, id, *astuple(given), person_id)
    except asyncpg.UniqueViolationError as error:
        raise NameIsTaken from error


USERS = "SELECT name FROM login_setup WHERE credential_id = $1 ORDER BY name LIMIT 20"


async def list_users(db: Database, id: int) -> list[str]:
    """The names of login setups that use it, the first twenty."""
    return [row["name"] for row in await db.fetch(USERS, id)]


REMOVE = f"""
    WITH gone AS (
        DELETE FROM credential WHERE id = $1
        RETURNING id, experiment_id, name
    )
    INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
    SELECT experiment_id, 'credential.removed', {sign_as_person("$2")}, NULL,
           jsonb_build_object('credential', 'credential:' || id, 'name', name)
      FROM gone
    RETURNING id
"""


class InUse(Exception):
    """Login setups use the credential."""


async def delete(db: Database, id: int, person_id: int) -> bool:
    """Forget a credential, the file stays; False when there is none. Raises InUse."""
    try:
        return await db.fetchval(REMOVE, id, person_id) is not None
    except asyncpg.ForeignKeyViolationError as error:
        raise InUse from error


@dataclass(frozen=True, slots=True)
class CredentialLocation:
    """Where a credential lies: a path in the folder of an experiment."""

    experiment_id: int
    path: str


OF_SUBMISSION = f"""
    SELECT {C_COLUMNS}
      FROM submission s
      JOIN stage t ON t.id = s.stage_id
      JOIN login_setup l ON l.id = t.login_setup_id
      JOIN credential c ON c.id = l.credential_id
     WHERE s.id = $1
"""


async def find_by_submission(db: Database, submission_id: int) -> Credential | None:
    """What the login setup of its stage has now: who mends a login setup mends its launches."""
    return await fetch_one(db, Credential, OF_SUBMISSION, submission_id)


LYING = """
    SELECT experiment_id, path FROM credential WHERE id = $1
"""


async def find_location(db: Database, id: int) -> CredentialLocation | None:
    """Where it lies; None when it was removed."""
    return await fetch_one(db, CredentialLocation, LYING, id)


LOOK = f"""
    UPDATE credential SET checked_at = now()
     WHERE id = (SELECT id FROM credential WHERE checked_at < now() - make_interval(secs => $1)
                    AND {leave_out("credentials", "'credential:' || id")}
                  ORDER BY checked_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING {COLUMNS}
"""


async def claim_inspection(db: Database, every_s: float) -> Credential | None:
    """Take one on that it is time to look at."""
    return await fetch_one(db, Credential, LOOK, every_s)


@dataclass(frozen=True, slots=True)
class CredentialInspection:
    """What a look at a credential's file told."""

    expires_at: datetime | None
    problem: str
    expiring: bool
    renew_at: datetime | None


# Warned of once for each end that it has; renewed when that end is a later one.
LOOKED = f"""
    WITH saved AS (
        UPDATE credential
           SET expires_at = $3, problem = $4,
               expiry_found_at = CASE WHEN expires_at IS DISTINCT FROM $3 THEN now() ELSE expiry_found_at END,
               warned_for = CASE WHEN $5 THEN $3 ELSE warned_for END,
               renew_at = CASE WHEN renewal_attempts > 0 THEN renew_at ELSE $6 END
         WHERE id = $1 AND checked_at = $2
        RETURNING new.id, new.experiment_id, new.name, new.expires_at, old.expires_at AS was,
                  $5 AND old.warned_for IS DISTINCT FROM $3 AS expiring
    )
    INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
    SELECT experiment_id, CASE WHEN expiring THEN 'credential.expiring' ELSE 'credential.renewed' END,
           {sign_as_service(ServicePart.CREDENTIALS)}, NULL,
           jsonb_build_object('credential', 'credential:' || id, 'name', name, 'expires_at', expires_at)
      FROM saved WHERE expiring OR expires_at > was
    RETURNING id
"""


async def record_inspection(db: Database, row: Credential, found: CredentialInspection) -> bool:
    """Note what was found, unless somebody looked again or changed it; true when that is news."""
    return await db.fetchval(LOOKED, row.id, row.checked_at, *astuple(found)) is not None


RENEW = f"""
    UPDATE credential SET renewing_until = now() + make_interval(secs => $1)
     WHERE id = (SELECT id FROM credential
                  WHERE renew_at <= now() AND coalesce(renewing_until, now()) <= now()
                    AND experiment_id <> ALL($2::bigint[]) AND {leave_out("renewals", "'credential:' || id")}
                  ORDER BY renew_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING {COLUMNS}
"""


async def claim_renewal(
    db: Database, lease_s: float, full: Sequence[int] = ()
) -> Credential | None:
    """Take one on whose renewal is due, for as long as its command may take, of experiments that are not `full`."""
    return await fetch_one(db, Credential, RENEW, lease_s, list(full))


# Looked at again at once: what the file says decides, not the command's word.
RENEWED = """
    UPDATE credential
       SET renewing_until = NULL, checked_at = '-infinity', renewal_output = $3, renew_at = $4,
           renewal_attempts = CASE WHEN $4::timestamptz IS NULL THEN 0 ELSE renewal_attempts + 1 END,
           renewed_at = CASE WHEN $4::timestamptz IS NULL THEN now() ELSE renewed_at END
     WHERE id = $1 AND renewing_until = $2
    RETURNING id
"""


async def record_renewal(
    db: Database, row: Credential, output: str, retry_at: datetime | None
) -> bool:
    """Note what its command said; with a time to try it again where it failed."""
    return await db.fetchval(RENEWED, row.id, row.renewing_until, output, retry_at) is not None
