"""Databases as older versions left them, for tests of what a migration makes of their rows."""

import shutil
from pathlib import Path

import asyncpg

from db.migrate import MIGRATIONS, run_migrations


async def make_older_database(dsn: str, folder: Path, before: str) -> None:
    """Run the migrations whose names sort before this one; `folder` is an empty one for them."""
    for file in MIGRATIONS.glob("*.sql"):
        if file.name < before:
            shutil.copy(file, folder)
    conn = await asyncpg.connect(dsn)
    await run_migrations(conn, folder)
    await conn.close()
