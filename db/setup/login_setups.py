"""Login setups: where launches are made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from db.changes import sign_as_person, tell_saved_row
from db.keyset import NameIsTaken, PageRequest, page_by_name, render_page_by_name
from db.pool import Database, fetch_many
from domain.changes import ChangeKind
from domain.permissions import Role
from domain.setup import job_types


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
    shared_with: list[Role]
    secrets: list[str]

    @property
    def definition(self) -> job_types.LoginSetupDefinition:
        """As somebody wanted it saved."""
        return job_types.LoginSetupDefinition(
            name=self.name,
            account=self.account,
            setup=self.setup,
            environment=[[key, value] for key, value in self.environment.items()],
        )


# Of secrets the names, never the values.
SECRETS = """
    (SELECT coalesce(array_agg(x.name ORDER BY x.name), '{}')
       FROM login_setup_secret x WHERE x.login_setup_id = login_setup.id) AS secrets
"""
COLUMNS = ", ".join([*list(LoginSetup.__dataclass_fields__)[:-1], SECRETS])
BY_IDS = f"SELECT {COLUMNS} FROM login_setup WHERE id = ANY($1::bigint[])"


async def find_by_ids(db: Database, ids: Sequence[int]) -> list[LoginSetup]:
    """Find the login setups that exist among these."""
    return await fetch_many(db, LoginSetup, BY_IDS, ids)


BY_NAMES = f"SELECT {COLUMNS} FROM login_setup WHERE experiment_id = $1 AND name = ANY($2::text[])"


async def find_by_names(db: Database, experiment_id: int, names: Sequence[str]) -> list[LoginSetup]:
    """Find the login setups of an experiment that have these names."""
    return await fetch_many(db, LoginSetup, BY_NAMES, experiment_id, names)


FORWARD = render_page_by_name("login_setup", COLUMNS, backwards=False)
BACKWARD = render_page_by_name("login_setup", COLUMNS, backwards=True)


async def page(
    db: Database, experiment_id: int, place: PageRequest, contains: str | None
) -> list[LoginSetup]:
    """Read a page of an experiment's login setups."""
    return await page_by_name(db, LoginSetup, (FORWARD, BACKWARD), experiment_id, place, contains)


CREATE = f"""
    WITH saved AS (
        INSERT INTO login_setup (experiment_id, name, account, setup, environment, launch_host_id, credential_id,
                                 owner_id, owning_role, shared_with)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (experiment_id, name) DO NOTHING
        RETURNING *
    ), kept AS (
        INSERT INTO login_setup_secret (login_setup_id, name, value)
        SELECT saved.id, x.name, x.value FROM saved, unnest($11::text[], $12::text[]) AS x (name, value)
    ), told AS ({tell_saved_row(ChangeKind.LOGIN_SETUP_SAVED, sign_as_person("$8"), "version")})
    SELECT id FROM saved
"""


@dataclass(frozen=True, slots=True)
class LoginSetupUses:
    """The launch host and the credential that a login setup goes with."""

    launch_host_id: int
    credential_id: int | None


async def create(
    db: Database,
    experiment_id: int,
    given: job_types.LoginSetupDefinition,
    uses: LoginSetupUses,
    owner: tuple[int, Role],
) -> int | None:
    """Make a login setup and return its id, or None when the name is taken."""
    secrets = [*given.secrets], [*given.secrets.values()]
    values = *_build_row_values(given, uses), *owner, list(given.shared_with), *secrets
    id: int | None = await db.fetchval(CREATE, experiment_id, *values)
    return id


# A MERGE, since who changes a value may not read it, as ON CONFLICT would.
CHANGE = f"""
    WITH saved AS (
        UPDATE login_setup
           SET name = $3, account = $4, setup = $5, environment = $6, launch_host_id = $7, credential_id = $8,
               active = $9, shared_with = $10, version = version + 1, updated_at = now()
         WHERE id = $1 AND version = $2
        RETURNING *
    ), gone AS (
        DELETE FROM login_setup_secret s USING saved WHERE s.login_setup_id = saved.id AND s.name <> ALL($11::text[])
    ), kept AS (
        MERGE INTO login_setup_secret s
        USING (SELECT saved.id, x.name, x.value FROM saved, unnest($11::text[], $12::text[]) AS x (name, value)
                WHERE x.value IS NOT NULL) g
           ON s.login_setup_id = g.id AND s.name = g.name
         WHEN MATCHED THEN UPDATE SET value = g.value
         WHEN NOT MATCHED THEN INSERT (login_setup_id, name, value) VALUES (g.id, g.name, g.value)
    ), told AS ({tell_saved_row(ChangeKind.LOGIN_SETUP_SAVED, sign_as_person("$13"), "version")})
    SELECT id FROM saved
"""


async def update(
    db: Database,
    at: tuple[int, int],
    given: job_types.LoginSetupDefinition,
    uses: LoginSetupUses,
    person_id: int,
    *,
    active: bool,
) -> LoginSetup | None:
    """Save a login setup anew, or return None when it is not at this (id, version) any more.

    Raises Taken when the name is another one's.
    """
    secrets = [*given.secrets], [*given.secrets.values()]
    values = *_build_row_values(given, uses), active, list(given.shared_with), *secrets
    try:
        id = await db.fetchval(CHANGE, *at, *values, person_id)
    except asyncpg.UniqueViolationError as error:
        raise NameIsTaken from error
    return None if id is None else (await find_by_ids(db, [id]))[0]


OF_SUBMISSION = """
    SELECT x.name, x.value
      FROM submission s JOIN stage t ON t.id = s.stage_id JOIN login_setup_secret x USING (login_setup_id)
     WHERE s.id = $1
"""


async def read_secrets(db: Database, submission_id: int) -> dict[str, str]:
    """The secrets with which a submission is launched: those of now. For launches only."""
    return {row["name"]: row["value"] for row in await db.fetch(OF_SUBMISSION, submission_id)}


def _build_row_values(
    given: job_types.LoginSetupDefinition, uses: LoginSetupUses
) -> tuple[object, ...]:
    return (
        given.name,
        given.account,
        list(given.setup),
        {pair[0]: pair[1] for pair in given.environment},
        uses.launch_host_id,
        uses.credential_id,
    )
