"""Bring the database up to date, with a sentence for each way in which that can fail."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg

from db.migrate import MigrationError, apply_migrations
from db.roles import prepare_database
from up.faults import SetupError
from up.roles import OWNER_URL, PASSWORDS, SUPERUSER_URL

T = TypeVar("T")


def migrate_database(env: Mapping[str, str]) -> list[str]:
    """Apply what is missing; return the names of what was applied."""
    dsn = _require_variable(env, OWNER_URL)
    try:
        return _run_with_database(dsn, OWNER_URL, apply_migrations(dsn))
    except MigrationError as error:
        raise SetupError(f"The database could not be brought up to date: {error}") from error


def recount_stages(env: Mapping[str, str]) -> list[int]:
    """Correct the kept progress of stages; return the ids of those that were wrong."""
    from db.submissions.progress import recount_progress

    dsn = _require_variable(env, OWNER_URL)
    return _run_with_database(dsn, OWNER_URL, recount_progress(dsn))


def make_roles(env: Mapping[str, str]) -> None:
    """Make the database's roles, and give the database to its owner."""
    dsn = _require_variable(env, SUPERUSER_URL)
    passwords = {role: _require_variable(env, name) for role, name in PASSWORDS.items()}
    _run_with_database(dsn, SUPERUSER_URL, prepare_database(dsn, passwords))


def _require_variable(env: Mapping[str, str], name: str) -> str:
    if value := env.get(name, ""):
        return value
    raise SetupError(f"Set {name}: see docs/operations.md, Roles of the database.")


def _run_with_database(dsn: str, name: str, work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise SetupError(
            f"Can't use the database at {_mask_password(dsn)} ({error}): check POMS_DATABASE_URL and {name}."
        ) from error


def _mask_password(dsn: str) -> str:
    """Give the address without its password."""
    parts = urlsplit(dsn)
    return f"{parts.hostname or 'a unix socket'}{parts.path}"
