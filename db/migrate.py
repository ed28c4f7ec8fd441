"""Bring a database up to date: db/migrations/NNNN_what.sql, each once, in order, forward only; then the rights."""

import logging
from pathlib import Path

import asyncpg
from pogo_core.error import BadMigrationError
from pogo_core.util import migrate as pogo
from pogo_core.util import sql as applied

from db.grants import grant_rights
from db.walls import build_walls

MIGRATIONS = Path(__file__).parent / "migrations"

# Any number will do, as long as every version of POMS uses the same one.
LOCK = 7_665_083
PATIENCE = 300
_SCHEMA = "public"


class MigrationError(Exception):
    """A migration could not be applied; nothing of it was kept."""


async def apply_migrations(dsn: str, migrations: Path = MIGRATIONS) -> list[str]:
    """Apply, as the owner, what the database has not seen yet, one process at a time; return the names applied."""
    conn = await asyncpg.connect(dsn, timeout=30)
    try:
        # The lock is the session's, so that it goes away with a process that is killed.
        await conn.execute(f"SET lock_timeout = '{PATIENCE}s'")
        await conn.execute("SELECT pg_advisory_lock($1)", LOCK, timeout=PATIENCE + 10)
        return await _apply_pending(conn, migrations)
    except asyncpg.LockNotAvailableError as error:
        raise MigrationError(
            f"Another process has held a lock that the migrations need for {PATIENCE} s: "
            "see pg_locks, end it, and start again."
        ) from error
    finally:
        await conn.close(timeout=10)


async def _apply_pending(conn: "asyncpg.Connection[asyncpg.Record]", migrations: Path) -> list[str]:
    await applied.ensure_pogo_sync(conn)
    before = await applied.get_applied_migrations(conn, schema_name=_SCHEMA)
    await run_migrations(conn, migrations)
    await grant_rights(conn)
    await build_walls(conn)
    after = await applied.get_applied_migrations(conn, schema_name=_SCHEMA)
    return sorted(after - before)


async def run_migrations(conn: "asyncpg.Connection[asyncpg.Record]", migrations: Path) -> None:
    """Run what the database has not seen, without the roles' rights: those are of today's tables."""
    await applied.ensure_pogo_sync(conn)
    try:
        # pogo-core cuts a file into statements with sqlparse, which leaves $$ bodies whole
        # (tests/up/test_migrate.py), and runs each file in one transaction.
        await pogo.apply(conn, migrations, schema_name=_SCHEMA, logger=_make_quiet_logger())
    except BadMigrationError as error:
        raise MigrationError(f"{error}: {error.__cause__ or 'see the file'}") from error


def _make_quiet_logger() -> logging.Logger:
    """The library reports each file as a warning, which it is not: the caller is told instead."""
    logger = logging.getLogger("poms.migrate")
    logger.setLevel(logging.ERROR)
    return logger
