"""Login setups: where launches are made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from db.keyset import Place, Taken, by_name, named
from db.pool import Database, many, one
from domain import job_types
from domain.people import Role


@dataclass(frozen=True, slots=True)
class LoginSetup:
    """One row of `login_setup`."""

    id: int
    experiment_id: int
    name: str
    launch_host_id: int
    credential_id: int | None
    account: str
    setup: list[str]
    environment: dict[str, str]
    owner_id: int
    owning_role: Role
    active: bool
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def wanted(self) -> job_types.LoginSetup:
        """As somebody wanted it saved."""
        return job_types.LoginSetup(
            name=self.name,
            account=self.account,
            setup=self.setup,
            environment=[[key, value] for key, value in self.environment.items()],
        )


COLUMNS = ", ".join(LoginSetup.__dataclass_fields__)
BY_IDS = f"SELECT {COLUMNS} FROM login_setup WHERE id = ANY($1::bigint[])"


async def by_ids(db: Database, ids: Sequence[int]) -> list[LoginSetup]:
    """Find the login setups that exist among these."""
    return await many(db, LoginSetup, BY_IDS, ids)


BY_NAMES = f"SELECT {COLUMNS} FROM login_setup WHERE experiment_id = $1 AND name = ANY($2::text[])"


async def by_names(db: Database, experiment_id: int, names: Sequence[str]) -> list[LoginSetup]:
    """Find the login setups of an experiment that have these names."""
    return await many(db, LoginSetup, BY_NAMES, experiment_id, names)


FORWARD = by_name("login_setup", COLUMNS, backwards=False)
BACKWARD = by_name("login_setup", COLUMNS, backwards=True)


async def page(
    db: Database, experiment_id: int, place: Place, contains: str | None
) -> list[LoginSetup]:
    """Read a page of an experiment's login setups."""
    return await named(db, LoginSetup, (FORWARD, BACKWARD), experiment_id, place, contains)


TOLD = """
    INSERT INTO change_inbox (experiment_id, kind, body)
    SELECT experiment_id, 'login_setup.saved',
           jsonb_build_object('login_setup', 'login_setup:' || id, 'name', name, 'version', version)
      FROM saved
"""


CREATE = f"""
    WITH saved AS (
        INSERT INTO login_setup (experiment_id, name, account, setup, environment, launch_host_id, credential_id,
                                 owner_id, owning_role)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (experiment_id, name) DO NOTHING
        RETURNING *
    ), told AS ({TOLD})
    SELECT {COLUMNS} FROM saved
"""


@dataclass(frozen=True, slots=True)
class Uses:
    """The launch host and the credential that a login setup goes with."""

    launch_host_id: int
    credential_id: int | None


async def create(
    db: Database,
    experiment_id: int,
    given: job_types.LoginSetup,
    uses: Uses,
    owner: tuple[int, Role],
) -> LoginSetup | None:
    """Make a login setup, or return None when the name is taken."""
    return await one(db, LoginSetup, CREATE, experiment_id, *_values(given, uses), *owner)


CHANGE = f"""
    WITH saved AS (
        UPDATE login_setup
           SET name = $3, account = $4, setup = $5, environment = $6, launch_host_id = $7, credential_id = $8,
               active = $9, version = version + 1, updated_at = now()
         WHERE id = $1 AND version = $2
        RETURNING *
    ), told AS ({TOLD})
    SELECT {COLUMNS} FROM saved
"""


async def change(
    db: Database, at: tuple[int, int], given: job_types.LoginSetup, uses: Uses, *, active: bool
) -> LoginSetup | None:
    """Save a login setup anew, or return None when it is not at this (id, version) any more.

    Raises Taken when the name is another one's.
    """
    try:
        return await one(db, LoginSetup, CHANGE, *at, *_values(given, uses), active)
    except asyncpg.UniqueViolationError as error:
        raise Taken from error


def _values(given: job_types.LoginSetup, uses: Uses) -> tuple[object, ...]:
    return (
        given.name,
        given.account,
        list(given.setup),
        {pair[0]: pair[1] for pair in given.environment},
        uses.launch_host_id,
        uses.credential_id,
    )
