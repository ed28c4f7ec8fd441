"""Migrations: each once, in order, whoever comes first, and whole functions stay whole."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from db.migrate import LOCK, MigrationError, apply_migrations

ROOT = Path(__file__).parents[2]
FILE = """-- {message}
-- depends: {depends}

-- migrate: apply

{sql}

-- migrate: rollback
"""
AWKWARD = """
CREATE TYPE colour AS ENUM ('red; not the end', 'blue');
-- a comment; with a semicolon and a quote'
CREATE TABLE things (id bigint GENERATED ALWAYS AS IDENTITY, colour colour) PARTITION BY RANGE (id);
CREATE FUNCTION weigh(n int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    x int := 0;
    r record;
BEGIN
    -- it's a comment; still inside
    IF n > 1 THEN
        x := CASE WHEN n = 2 THEN 5 ELSE 6 END;
    ELSIF n = 0 THEN
        RAISE EXCEPTION 'none; %', n;
    END IF;
    FOR r IN SELECT 1 AS a LOOP
        x := x + r.a;
    END LOOP;
    BEGIN
        PERFORM 1;
    EXCEPTION WHEN OTHERS THEN
        NULL;
    END;
    RETURN x;
END
$$;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF TG_OP = 'UPDATE' THEN RETURN NEW; END IF;
    RETURN NULL;
END;
$body$;
CREATE FUNCTION second(n int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT n; SELECT n + 1; END;
DO $$ BEGIN FOR i IN 0..2 LOOP
    EXECUTE format('CREATE TABLE things_%s PARTITION OF things FOR VALUES FROM (%s) TO (%s)',
                   i, i * 10, i * 10 + 10);
END LOOP; END $$;
CREATE TRIGGER touched BEFORE UPDATE ON things FOR EACH ROW EXECUTE FUNCTION touch();
CREATE VIEW seen AS SELECT CASE colour WHEN 'blue' THEN 1 ELSE 2 END AS c FROM things;
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations, of which the second needs the first."""
    write_migration(tmp_path, "0001_first", AWKWARD)
    write_migration(
        tmp_path, "0002_second", "ALTER TABLE things ADD COLUMN size int;", depends="0001_first"
    )
    return tmp_path


def write_migration(folder: Path, name: str, sql: str, depends: str = "") -> None:
    text = FILE.format(message=name, depends=depends, sql=sql)
    (folder / f"{name}.sql").write_text(text)


async def fetch_value(dsn: str, query: str) -> object:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(query)
    finally:
        await conn.close()


async def test_each_migration_is_applied_once(empty_database_url: str, folder: Path) -> None:
    assert await apply_migrations(empty_database_url, folder) == ["0001_first", "0002_second"]
    assert await apply_migrations(empty_database_url, folder) == []
    write_migration(folder, "0003_third", "CREATE TABLE more (id int);", depends="0002_second")
    assert await apply_migrations(empty_database_url, folder) == ["0003_third"]


async def test_functions_keep_their_bodies(empty_database_url: str, folder: Path) -> None:
    await apply_migrations(empty_database_url, folder)
    assert await fetch_value(empty_database_url, "SELECT weigh(2)") == 6
    assert await fetch_value(empty_database_url, "SELECT second(1)") == 2
    assert (
        await fetch_value(empty_database_url, "SELECT enum_first(NULL::colour)")
        == "red; not the end"
    )


async def test_two_at_once_apply_each_migration_once(empty_database_url: str, folder: Path) -> None:
    lists = await asyncio.gather(*(apply_migrations(empty_database_url, folder) for _ in range(4)))
    assert sorted(lists) == [[], [], [], ["0001_first", "0002_second"]]


async def test_a_broken_migration_leaves_nothing_behind(
    empty_database_url: str, folder: Path
) -> None:
    write_migration(
        folder,
        "0003_broken",
        "CREATE TABLE half (id int); SELECT no_such_function();",
        depends="0002_second",
    )
    with pytest.raises(MigrationError, match=r"0003_broken.*no_such_function"):
        await apply_migrations(empty_database_url, folder)
    assert await fetch_value(empty_database_url, "SELECT to_regclass('half')") is None
    assert await fetch_value(empty_database_url, "SELECT to_regclass('things')::text") == "things"
    write_migration(folder, "0003_broken", "CREATE TABLE half (id int);", depends="0002_second")
    assert await apply_migrations(empty_database_url, folder) == ["0003_broken"]


async def test_a_killed_process_does_not_keep_the_others_out(
    empty_database_url: str, folder: Path
) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import asyncio, asyncpg, sys\n"
            "async def hold():\n"
            "    conn = await asyncpg.connect(sys.argv[1])\n"
            "    await conn.execute('SELECT pg_advisory_lock($1)', int(sys.argv[2]))\n"
            "    print('held', flush=True)\n"
            "    await asyncio.sleep(60)\n"
            "asyncio.run(hold())\n",
            empty_database_url,
            str(LOCK),
        ],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert holder.stdout is not None
    with holder, holder.stdout:
        assert holder.stdout.readline() == b"held\n"
        waiting = asyncio.create_task(apply_migrations(empty_database_url, folder))
        await wait_for_lock_waiter(empty_database_url)
        assert not waiting.done()
        os.kill(holder.pid, signal.SIGKILL)
        assert await asyncio.wait_for(waiting, 10) == ["0001_first", "0002_second"]


async def wait_for_lock_waiter(dsn: str) -> None:
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    for _ in range(1000):
        if await fetch_value(dsn, query):
            return
        await asyncio.sleep(0.01)
    pytest.fail("nobody came to wait for the lock")
