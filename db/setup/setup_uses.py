"""Login setups with all that decides who may use them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from db.people import people
from db.pool import Database, fetch_many, fetch_one
from domain.permissions import Role
from domain.setup.job_types import JobKind
from domain.setup.launch_hosts import HostKind
from domain.setup.setup_uses import (
    OwningParty,
    SetupUse,
    UsedCredential,
    UsedHost,
    explain_launch_refusal,
    explain_setup_refusal,
)

HOST = """
    o.name AS host, o.kind, o.account AS host_account, o.accounts,
    (SELECT coalesce(jsonb_object_agg(a.role, a.accounts), '{}') FROM allowed_account a WHERE a.launch_host_id = o.id)
        AS allowed,
    (SELECT e.name FROM experiment e WHERE e.id = o.experiment_id) AS experiment
"""


@dataclass(frozen=True, slots=True)
class HostFound:
    """A launch host as it is read."""

    host: str
    kind: HostKind
    host_account: str
    accounts: list[str]
    allowed: Mapping[str, Sequence[str]]
    experiment: str

    @property
    def used(self) -> UsedHost:
        """As the domain looks at it."""
        return UsedHost(
            self.host, self.kind, self.host_account, self.accounts, self.allowed, self.experiment
        )


BY_HOST = f"SELECT {HOST} FROM launch_host o WHERE o.id = $1"


async def find_host(db: Database, id: int) -> UsedHost | None:
    """A launch host, and the accounts that may be used there."""
    found = await fetch_one(db, HostFound, BY_HOST, id)
    return None if found is None else found.used


@dataclass(frozen=True, slots=True)
class SetupFound(HostFound):
    """A login setup as it is read."""

    id: int
    name: str
    account: str
    owner_id: int
    owning_role: Role
    owner: str
    shared_with: list[Role]
    credential: str | None
    credential_owner_id: int | None
    credential_role: Role | None
    credential_owner: str | None

    @property
    def use(self) -> SetupUse:
        """As the domain looks at it."""
        credential = None
        if self.credential is not None and self.credential_owner_id and self.credential_role:
            whose = OwningParty(
                self.credential_owner_id, self.credential_role, self.credential_owner or ""
            )
            credential = UsedCredential(self.credential, whose)
        owner = OwningParty(self.owner_id, self.owning_role, self.owner)
        return SetupUse(self.name, owner, self.shared_with, credential, self.used, self.account)


SETUP = f"""
    {HOST}, l.id, l.name, l.account, l.owner_id, l.owning_role, lp.username AS owner, l.shared_with,
    c.name AS credential, c.owner_id AS credential_owner_id, c.owning_role AS credential_role,
    cp.username AS credential_owner
"""
JOINS = """
      JOIN launch_host o ON o.id = l.launch_host_id
      JOIN person lp ON lp.id = l.owner_id
      LEFT JOIN credential c ON c.id = l.credential_id
      LEFT JOIN person cp ON cp.id = c.owner_id
"""

BY_NAMES = f"""
    SELECT {SETUP} FROM login_setup l {JOINS}
     WHERE l.experiment_id = $1 AND l.active AND l.name = ANY($2::text[])
"""


async def find_party(db: Database, person_id: int, role: Role) -> OwningParty:
    """On whose behalf what this person owns in this role uses login setups."""
    [owner] = await people.find_by_ids(db, [person_id])
    return OwningParty(person_id, role, owner.username)


@dataclass(frozen=True, slots=True)
class SetupsFound:
    """Active login setups by name: those that may be used, and why others may not."""

    ids: Mapping[str, int]
    refused: Mapping[str, str]


async def find_by_names(
    db: Database, experiment_id: int, names: Sequence[str], by: OwningParty
) -> SetupsFound:
    """Find the login setups that something of this party names."""
    rows = await fetch_many(db, SetupFound, BY_NAMES, experiment_id, names)
    refused = {row.name: why for row in rows if (why := explain_setup_refusal(row.use, by))}
    return SetupsFound({row.name: row.id for row in rows if row.name not in refused}, refused)


@dataclass(frozen=True, slots=True)
class StageUse(SetupFound):
    """A stage's login setup, and on whose behalf it is used."""

    campaign_owner_id: int
    campaign_role: Role
    campaign_owner: str
    job_kind: JobKind


BY_STAGE = f"""
    SELECT {SETUP}, k.owner_id AS campaign_owner_id, k.owning_role AS campaign_role, kp.username AS campaign_owner,
           t.kind AS job_kind
      FROM stage s
      JOIN campaign k ON k.id = s.campaign_id
      JOIN person kp ON kp.id = k.owner_id
      JOIN job_type t ON t.id = s.job_type_id
      JOIN login_setup l ON l.id = s.login_setup_id
      {JOINS}
     WHERE s.id = $1
"""


async def find_host_account(db: Database, stage_id: int) -> str:
    """As whom launch scripts of a stage run on the workers' host, as a service admin has named it by now."""
    found = await fetch_one(db, StageUse, BY_STAGE, stage_id)
    return found.host_account if found else ""


async def explain_stage_refusal(
    db: Database, stage_id: int, account: str | None = None
) -> str | None:
    """Why a stage must not be launched with its login setup as that is now, whoever launches it; or nothing.

    `account` is the one of a launch, with its keywords filled in, where that is known.
    """
    found = await fetch_one(db, StageUse, BY_STAGE, stage_id)
    if found is None:
        return None
    by = OwningParty(found.campaign_owner_id, found.campaign_role, found.campaign_owner)
    use = found.use if account is None else replace(found.use, account=account)
    return explain_launch_refusal(use, by, runs_script=found.job_kind is JobKind.SCRIPT)
