"""Launch hosts: where launches are made from."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

from db.changes import sign_as_person, tell_saved_row
from db.keyset import PageRequest, page_by_name, render_page_by_name
from db.pool import Database, fetch_many, fetch_one
from domain.changes import ChangeKind
from domain.permissions import Role
from domain.setup.launch_hosts import HostKind


@dataclass(frozen=True, slots=True)
class LaunchHost:
    """One row of `launch_host`."""

    id: int
    experiment_id: int
    name: str
    kind: HostKind
    address: str
    account: str
    accounts: list[str]
    created_at: datetime


HOST_COLUMNS = ", ".join(LaunchHost.__dataclass_fields__)

HOSTS_BY_IDS = f"SELECT {HOST_COLUMNS} FROM launch_host WHERE id = ANY($1::bigint[])"


async def find_by_ids(db: Database, ids: Sequence[int]) -> list[LaunchHost]:
    """Find the launch hosts that exist among these."""
    return await fetch_many(db, LaunchHost, HOSTS_BY_IDS, ids)


HOST_BY_NAME = f"""
    SELECT {HOST_COLUMNS} FROM launch_host WHERE experiment_id = $1 AND name = $2
"""


async def find(db: Database, experiment_id: int, name: str) -> LaunchHost | None:
    """Find an experiment's launch host."""
    return await fetch_one(db, LaunchHost, HOST_BY_NAME, experiment_id, name)


HOSTS_CALLED = f"""
    SELECT {HOST_COLUMNS} FROM launch_host
     WHERE experiment_id = $1 AND (name = ANY($2::text[]) OR address = ANY($2)) ORDER BY id
"""


async def find_by_names(db: Database, experiment_id: int, names: Sequence[str]) -> list[LaunchHost]:
    """Find the launch hosts of an experiment with these addresses or names."""
    return await fetch_many(db, LaunchHost, HOSTS_CALLED, experiment_id, names)


LOCAL = f"SELECT {HOST_COLUMNS} FROM launch_host WHERE experiment_id = $1 AND kind = 'local' ORDER BY id"


async def list_local(db: Database, experiment_id: int) -> list[LaunchHost]:
    """List an experiment's launch hosts that are the workers' own."""
    return await fetch_many(db, LaunchHost, LOCAL, experiment_id)


HOSTS_FORWARD = render_page_by_name("launch_host", HOST_COLUMNS, backwards=False)
HOSTS_BACKWARD = render_page_by_name("launch_host", HOST_COLUMNS, backwards=True)


async def page(
    db: Database, experiment_id: int, place: PageRequest, contains: str | None
) -> list[LaunchHost]:
    """Read a page of an experiment's launch hosts."""
    ways = HOSTS_FORWARD, HOSTS_BACKWARD
    return await page_by_name(db, LaunchHost, ways, experiment_id, place, contains)


CREATE_HOST = f"""
    WITH saved AS (
        INSERT INTO launch_host (experiment_id, name, kind, address, account, accounts)
        VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (experiment_id, name) DO NOTHING
        RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, 'launch_host.created', {sign_as_person("$7")}, NULL,
               jsonb_build_object('launch_host', 'launch_host:' || id, 'name', name)
          FROM saved
    )
    SELECT {HOST_COLUMNS} FROM saved
"""


@dataclass(frozen=True, slots=True)
class LaunchHostDefinition:
    """A launch host as somebody wants it saved."""

    name: str
    kind: HostKind
    address: str
    account: str
    accounts: Sequence[str]


async def create(
    db: Database, experiment_id: int, given: LaunchHostDefinition, person_id: int
) -> LaunchHost | None:
    """Make a launch host, or return None when the name is taken."""
    return await fetch_one(db, LaunchHost, CREATE_HOST, experiment_id, *astuple(given), person_id)


SET_ACCOUNTS = f"""
    WITH saved AS (
        UPDATE launch_host SET account = $2, accounts = $3 WHERE id = $1
        RETURNING *
    ), told AS ({tell_saved_row(ChangeKind.LAUNCH_HOST_SAVED, sign_as_person("$4"))})
    SELECT {HOST_COLUMNS} FROM saved
"""


async def set_accounts(
    db: Database, id: int, account: str, accounts: Sequence[str], person_id: int
) -> LaunchHost | None:
    """Say as whom scripts run there, and which accounts the experiment may use."""
    return await fetch_one(db, LaunchHost, SET_ACCOUNTS, id, account, accounts, person_id)


ALLOW = f"""
    WITH put AS (
        INSERT INTO allowed_account (launch_host_id, role, accounts) VALUES ($1, $2, $3)
            ON CONFLICT (launch_host_id, role) DO UPDATE SET accounts = excluded.accounts
        RETURNING launch_host_id
    ), saved AS (
        SELECT o.* FROM launch_host o JOIN put ON put.launch_host_id = o.id
    ), told AS ({tell_saved_row(ChangeKind.LAUNCH_HOST_SAVED, sign_as_person("$4"))})
    SELECT {HOST_COLUMNS} FROM saved
"""


async def allow_accounts(
    db: Database, id: int, role: Role, accounts: Sequence[str], person_id: int
) -> LaunchHost | None:
    """Let a role use these accounts, of those that the experiment may use, and no others."""
    return await fetch_one(db, LaunchHost, ALLOW, id, role, accounts, person_id)


@dataclass(frozen=True, slots=True)
class AllowedAccounts:
    """One row of `allowed_account`."""

    role: Role
    accounts: list[str]


ALLOWED = "SELECT role, accounts FROM allowed_account WHERE launch_host_id = $1 ORDER BY role"


async def list_allowed_accounts(db: Database, id: int) -> list[AllowedAccounts]:
    """Which roles may use which accounts there."""
    return await fetch_many(db, AllowedAccounts, ALLOWED, id)
