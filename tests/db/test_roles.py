"""As whom processes use the database, and what they can't do there however they were talked into it."""

from urllib.parse import unquote, urlsplit

import asyncpg
import pytest

from db.grants import TABLES
from db.housekeeping import ensure_partitions
from db.migrate import apply_migrations
from db.pool import Pool
from db.roles import prepare_database
from domain.database_roles import API, ROLES, WORKER
from tests.conftest import PostgresServer
from tests.roles import build_role_url
from tests.test_sql import MODULES, list_statements

OWN_TABLES = """
    SELECT relname FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
       AND relname NOT LIKE '\\_pogo%'
"""
OTHERS = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind <> 'i'
                                   AND relowner <> 'poms_owner'::regrole
     UNION ALL
    SELECT p.proname FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND proowner <> 'poms_owner'::regrole
       AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
     UNION ALL
    SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'
                                  AND typowner <> 'poms_owner'::regrole
"""
PARTITIONS = "SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r'"
NOBODYS = (
    "CREATE TABLE mine (id int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER TABLE person ADD COLUMN x int",
    "DROP TABLE change",
    "TRUNCATE job",
    "ALTER TABLE campaign_revision DISABLE TRIGGER ALL",
    "CREATE ROLE mine",
    "ALTER ROLE poms_owner PASSWORD 'x'",
    "SET ROLE poms_owner",
    "SET session_replication_role = replica",
    "COPY person TO PROGRAM 'cat'",
    "SELECT pg_read_file('postgresql.conf')",
    "DELETE FROM change",
    "UPDATE change SET kind = 'x'",
    "DELETE FROM submission",
    "DELETE FROM action",
    "TRUNCATE attempt_0",
    "SELECT drop_part('attempt', 0)",
    "UPDATE campaign_revision SET at = now()",
)
NOT_THE_APIS = (
    "INSERT INTO lease VALUES ('watch', 'me', 1, now())",
    "UPDATE attempt SET exit_code = 0",
    "UPDATE job SET state = 'succeeded'",
    "UPDATE output_file SET state = 'located'",
    "UPDATE file SET submission_id = 1",
    "UPDATE launch_attempt SET state = 'opened'",
    "UPDATE watch SET read_to = NULL",
    "UPDATE installation SET spool = ''",
    "DELETE FROM live_file",
    "UPDATE change_head SET history_id = gen_random_uuid()",
    "SELECT nextval('launch_number')",
    "SELECT ensure_partitions(1)",
    "SELECT drop_submission_parts(0, now())",
    "SELECT drop_change_part(0, now())",
    "INSERT INTO archived_part VALUES ('attempt', 0, '', 0, 0, '', 0)",
    "SELECT value FROM login_setup_secret",
    "SELECT s FROM login_setup_secret s",
    "UPDATE login_setup_secret SET name = value",
    "DELETE FROM login_setup_secret RETURNING value",
    "COPY login_setup_secret TO STDOUT",
)
NOT_THE_WORKERS = (
    "UPDATE person SET is_admin = true",
    "INSERT INTO person (username) VALUES ('me')",
    "INSERT INTO membership VALUES (1, 1, 'superuser')",
    "UPDATE experiment SET folders = '{/}'",
    "UPDATE campaign SET owner_id = 1",
    "UPDATE job_type SET command = '{true}'",
    "UPDATE login_setup SET account = 'root'",
    "UPDATE launch_host SET accounts = '{*}'",
    "INSERT INTO revoked_token VALUES (1, gen_random_uuid(), now())",
    "DELETE FROM launch_hold",
    "UPDATE login_setup_secret SET value = ''",
)


async def test_of_each_table_is_said_who_may_do_what(db: Pool) -> None:
    assert {row["relname"] for row in await db.fetch(OWN_TABLES)} == set(TABLES)


@pytest.mark.parametrize("statement", NOBODYS)
async def test_no_process_may(api_db: Pool, worker_db: Pool, statement: str) -> None:
    for pool in (api_db, worker_db):
        await is_refused(pool, statement)


@pytest.mark.parametrize("statement", NOT_THE_APIS)
async def test_the_api_may_not(api_db: Pool, statement: str) -> None:
    await is_refused(api_db, statement)


@pytest.mark.parametrize("statement", NOT_THE_WORKERS)
async def test_workers_may_not(worker_db: Pool, statement: str) -> None:
    await is_refused(worker_db, statement)


async def is_refused(pool: Pool, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(statement)


async def test_each_statement_is_allowed_to_some_process(api_db: Pool, worker_db: Pool) -> None:
    """That it is to the right one, the tests of the resolvers and workers say, which run as these roles."""
    refused = [
        f"{module.__name__}.{name}"
        for module in MODULES
        for name, statement in list_statements(module).items()
        if not await is_allowed(api_db, statement) and not await is_allowed(worker_db, statement)
    ]
    assert refused == []


async def is_allowed(pool: Pool, statement: str) -> bool:
    try:
        await pool.execute(f"EXPLAIN (GENERIC_PLAN) {statement}")
    except asyncpg.InsufficientPrivilegeError:
        return False
    except (asyncpg.PostgresSyntaxError, asyncpg.UndefinedTableError):
        return True  # a part of others
    return True


async def test_workers_make_partitions_without_owning_them(db: Pool, worker_db: Pool) -> None:
    before = await db.fetchval(PARTITIONS)
    await ensure_partitions(worker_db, 5)
    assert await db.fetchval(PARTITIONS) > before
    assert await db.fetch(OTHERS) == []


async def test_a_database_that_a_superuser_made_is_given_to_its_owner(
    postgres_server: PostgresServer, empty_database_url: str
) -> None:
    superusers = postgres_server.url(urlsplit(empty_database_url).path[1:])
    password = unquote(urlsplit(superusers).password or "")
    applied = await apply_migrations(superusers)
    conn = await asyncpg.connect(superusers)
    assert await conn.fetch(OTHERS)
    for _ in range(2):
        await prepare_database(superusers, dict.fromkeys(ROLES, password))
        assert await conn.fetch(OTHERS) == []
    await conn.close()
    assert applied
    assert await apply_migrations(empty_database_url) == []
    for role in (API, WORKER):
        conn = await asyncpg.connect(build_role_url(role, empty_database_url))
        assert await conn.fetchval("SELECT count(*) FROM submission") == 0
        await conn.close()


async def test_a_role_is_let_in_by_its_password_only(database_url: str) -> None:
    for role in ("poms", *ROLES):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(build_role_url(role, database_url), password="not it")
