"""Bring the database up to date, with a sentence for each way in which that can fail."""

import asyncio
from urllib.parse import urlsplit

import asyncpg

from db.migrate import MigrationError, migrate
from up.faults import SetupError


def bring_up_to_date(dsn: str) -> list[str]:
    """Apply what is missing; return the names of what was applied."""
    if not dsn:
        raise SetupError("Set POMS_DATABASE_URL to the database to bring up to date.")
    try:
        return asyncio.run(migrate(dsn))
    except MigrationError as error:
        raise SetupError(f"The database could not be brought up to date: {error}") from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise SetupError(
            f"Can't use the database at {_shown(dsn)} ({error}): check POMS_DATABASE_URL."
        ) from error


def _shown(dsn: str) -> str:
    """Give the address without its password."""
    parts = urlsplit(dsn)
    return f"{parts.hostname or 'a unix socket'}{parts.path}"
