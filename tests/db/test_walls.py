"""Rows of experiments are walled off in the database: whatever statement is asked, and whoever had the connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest

from db.grants import TABLES
from db.housekeeping import ensure_partitions
from db.pool import Connection, Pool, open_api_pool
from db.reach import TELL, ApiPool, encode_reach
from db.walls import (
    BY_EXPERIMENT,
    BY_EXPERIMENT_OR_NONE,
    BY_PARENT,
    OPEN,
    OWN,
    REFERENCES,
    UNCHECKED,
    build_policies,
    build_walls,
)
from domain.database_roles import API

MINE, FOREIGN = 1, 2
WALLED = sorted(build_policies())
COLUMN = (
    BY_EXPERIMENT
    | dict.fromkeys(BY_EXPERIMENT_OR_NONE, OWN)
    | {table: column for table, (column, _) in BY_PARENT.items()}
)
OWN_TABLES = """
    SELECT relname FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
       AND relname NOT LIKE '\\_pogo%'
"""
UNWALLED = """
    SELECT relname FROM pg_class c
     WHERE relname = ANY($1::text[])
       AND (NOT relrowsecurity OR ARRAY['{poms_api}', '{poms_worker}'] <>
            ARRAY(SELECT roles::text FROM pg_policies WHERE tablename = relname AND cmd = 'ALL' ORDER BY 1)
            OR relname <> ALL($2::text[])
               AND EXISTS (SELECT FROM pg_policies WHERE tablename = relname AND cmd <> 'ALL')
            OR NOT EXISTS (SELECT FROM pg_policies
                            WHERE tablename = relname AND roles = '{poms_worker}' AND qual = 'true'))
"""
# Columns of walled tables that name rows of other ones.
NAMING = """
    SELECT conrelid::regclass::text, attname, confrelid::regclass::text
      FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
     WHERE contype = 'f' AND cardinality(conkey) = 1
       AND ARRAY[conrelid, confrelid] <@ ARRAY(SELECT t::regclass::oid FROM unnest($1::text[]) t)
       AND confrelid <> 'experiment'::regclass
"""
COLUMNS = """
    SELECT attname FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
POLICIES = "SELECT oid, polname FROM pg_policy ORDER BY oid"
# Of each table a row of experiment $1, whose campaign, stage, submission … have that number, too.
SUMS = 33
"""Of `stage_progress`."""
ROWS = {
    "action": "(submission_id, verb, reason, person_id) VALUES ($1, 'remove', '', 1)",
    "allowed_account": "VALUES ($1, 'production', '{}')",
    "approval_rule_set": "(experiment_id, rules, set_by) VALUES ($1, '[]', 1)",
    "attempt": "(submission_id, number, attempt, state, sequence) VALUES ($1, 1, 1, 'idle', 1)",
    "batch_allowance": "(experiment_id, batch_system) VALUES ($1, 'local')",
    "campaign": "(id, experiment_id, name, owner_id, owning_role)"
    " OVERRIDING SYSTEM VALUE VALUES ($1, $1, 'c', 1, 'production')",
    "campaign_approval": "(campaign_id, revision) VALUES ($1, 1)",
    "campaign_revision": "(campaign_id, number, body, author_id) VALUES ($1, 1, '{}', 1)",
    "catalog": "(id, experiment_id, name, kind, url) OVERRIDING SYSTEM VALUE VALUES ($1, $1, 'c', 'sam', '')",
    "catalog_launch": "(submission_id, catalog_id, name) VALUES ($1, $1, 'n')",
    "change": "(position, id, experiment_id, kind, body, at) VALUES ($1, $1, $1, 'x', '{}', now())",
    "change_inbox": "(experiment_id, kind, body) VALUES ($1, 'x', '{}')",
    "cluster": "(batch_system, native_id, submission_id, attempt) VALUES ('local', $1::bigint::text, $1, 1)",
    "credential": "(experiment_id, owner_id, name, kind, owning_role) VALUES ($1, 1, 'x', 'token', 'production')",
    "dataset": "(id, experiment_id, name, owner_id, owning_role)"
    " OVERRIDING SYSTEM VALUE VALUES ($1, $1, 'd', 1, 'production')",
    "dataset_file": "(dataset_id, ordinal, file_id, time) VALUES ($1, 0, $1, 0)",
    "dataset_listing": "(dataset_id) VALUES ($1)",
    "delegation": "(experiment_id, from_id, to_id, starts_at, ends_at)"
    " VALUES ($1, 1, 2, now(), now() + interval '1 day')",
    "dependency": "(campaign_id, upstream_id, downstream_id) VALUES ($1, $1, $1)",
    "discrepancy": "(kind, batch_system, native_id, mark, experiment_id, jobs, started, details, repair)"
    " VALUES ('orphan', 'local', $1::bigint::text, '', $1, 1, true, '', 'remove')",
    "experiment": "(id, name) OVERRIDING SYSTEM VALUE VALUES ($1, 'e' || $1::bigint)",
    "file": "(id, experiment_id, name, size, location) OVERRIDING SYSTEM VALUE VALUES ($1, $1, 'f', 0, '')",
    "file_check": "(dataset_id, key, low, high, is_whole, requested_by) VALUES ($1, 'dataset', 0, 0, true, 1)",
    "file_parent": "VALUES ($1, $1)",
    "hand_over": "VALUES ($1, 1, 2)",
    "input_file": "(submission_id, number, file_id) VALUES ($1, 1, $1)",
    "job": "(submission_id, number) VALUES ($1, 1)",
    "job_type": "(experiment_id, name, command, owner_id, owning_role) VALUES ($1, 'j', '{x}', 1, 'production')",
    "join_arrival": "VALUES ($1, false, $1, $1, '', 1)",
    "joined": "VALUES ($1, false, 0, '', 1)",
    "launch_attempt": "(submission_id, attempt, batch_system, mark, holder)"
    " VALUES ($1, 1, 'local', $1::bigint::text, '')",
    "launch_hold": "(experiment_id, reason, held_by) VALUES ($1, '', 1)",
    "launch_host": "(id, experiment_id, name) OVERRIDING SYSTEM VALUE VALUES ($1, $1, 'h')",
    "launch_output": "(submission_id, sequence, attempt, text) VALUES ($1, 1, 1, '')",
    "listing_difference": "(dataset_id, name, kind, listing_id) VALUES ($1, 'f', 'gone', 1)",
    "live_file": "VALUES ($1, false, $1, $1)",
    "login_setup": "(id, experiment_id, name, launch_host_id, owner_id, owning_role) OVERRIDING SYSTEM VALUE"
    " VALUES ($1, $1, 'l', $1, 1, 'production')",
    "login_setup_secret": "VALUES ($1, 'KEY', 'secret')",
    "membership": "(person_id, experiment_id, role) VALUES (1, $1, 'production')",
    "output_file": "(submission_id, number, attempt, name, path, size, checksum, state)"
    " VALUES ($1, 1, 1, 'o', '', 0, '', 'declared')",
    "passed_input": "(stage_id, submission_id, done, undone, waived) VALUES ($1, $1, 0, 0, 0)",
    "processed_file": "(stage_id, version, is_test, file_id, submission_id, number) VALUES ($1, '', false, $1, $1, 1)",
    "recovery_attempt": "(origin_id, type, decision, taken_count, total_count, submission_id, person_id)"
    " VALUES ($1, 'x', 'launch', 1, 1, $1, 1)",
    "request": "(id, experiment_id, number, title, content, campaign_id, owner_id, owning_role)"
    " OVERRIDING SYSTEM VALUE VALUES ($1, $1, 1, 't', '{}', $1, 1, 'production')",
    "request_decision": "(request_id, revision, kind, person_id, hashes) VALUES ($1, 1, 'approve', 1, '{}')",
    "request_revision": "(request_id, number, content, parts, hashes) VALUES ($1, 1, '{}', '{}', '{}')",
    "schedule": "(stage_id, cron, next_at, person_id) VALUES ($1, '* * * * *', now(), 1)",
    "service_token": "(experiment_id, person_id, name, scopes, token_id, token_hash, expires_at)"
    " VALUES ($1, 1, 't', '{read}', gen_random_uuid(), int8send($1::bigint), now() + interval '1 day')",
    "setback": "(loop, subject, experiment_id, error, next_try_at) VALUES ('x', $1::bigint::text, $1, '', now())",
    "slice": "(stage_id, epoch, number, cursor) VALUES ($1, 1, 1, '0')",
    "slice_file": "VALUES ($1, 1, $1, $1, 1)",
    "snapshot": "(dataset_id, head) VALUES ($1, 1)",
    "stage": "(id, experiment_id, campaign_id, name, job_type_id, login_setup_id) OVERRIDING SYSTEM VALUE"
    " VALUES ($1, $1, $1, 's', 1, 1)",
    "stage_input": "VALUES ($1, false, $1, $1)",
    "stage_progress": f"VALUES ($1, false, 'new', {', '.join(['0'] * SUMS)})",
    "stage_progress_delta": "(stage_id, is_test, state, submissions, jobs_idle, jobs_running, jobs_held,"
    " jobs_succeeded, jobs_failed, jobs_removed, jobs_unknown, files_waiting, files_delivered, files_consumed,"
    " files_skipped, files_done, files_failed, outputs_declared, outputs_located, outputs_lost, outputs_superseded,"
    " outputs_refused, events_located, cpu_s, wall_s, wall_wasted_s, memory_used_mb, memory_requested_mb, origins,"
    " inputs_given, inputs_done, inputs_in_work, inputs_waiting, inputs_owed, inputs_lost, inputs_waived)"
    f" VALUES ($1, false, 'new', {', '.join(['0'] * SUMS)})",
    "staged_file": "VALUES ($1, 0, 0)",
    "summary": "(experiment_id, subject, subject_id, title, source, url, query, path)"
    " VALUES ($1, 'stage', $1, 't', 'prometheus', '', '', '')",
    "submission": "(id, experiment_id, campaign_id, stage_id, slice_id, campaign_revision, state, created_by,"
    " batch_system, configuration, counted)"
    " OVERRIDING SYSTEM VALUE VALUES ($1, $1, $1, $1, $1, 1, 'new', 1, 'local', '{}', true)",
    "submission_upload": "(submission_id, upload_id) VALUES ($1, $1)",
    "upload": "(id, experiment_id, person_id, name, size, checksum)"
    " OVERRIDING SYSTEM VALUE VALUES ($1, $1, 1, 'x.cfg', 0, '')",
    "waived_input": "(submission_id, key, reason, waived_by) VALUES ($1, 1, '', 1)",
    "work_unit": "(submission_id, number, first_submission_id, first_number) VALUES ($1, 1, $1, 1)",
}


@pytest.fixture
async def two(db: Pool) -> None:
    """In each table a row of experiment 1 and one of experiment 2."""
    async with db.acquire() as conn, conn.transaction():
        await conn.execute("SET LOCAL session_replication_role = replica")
        await conn.execute("INSERT INTO person (username) VALUES ('anna'), ('otto')")
        for table, row in ROWS.items():
            for experiment in (MINE, FOREIGN):
                await conn.execute(f"INSERT INTO {table} {row}", experiment)
        # Those of the submissions' own trigger.
        await conn.execute("DELETE FROM stage_progress_delta WHERE submissions > 0")


@asynccontextmanager
async def connect_as(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    conn = await asyncpg.connect(url)
    yield conn
    await conn.close()


@asynccontextmanager
async def open_one_connection(url: str) -> AsyncIterator[ApiPool]:
    """A pool of the API from which everybody gets the same connection."""
    api = await open_api_pool(url, most=1)
    yield api
    await api.close()


@pytest.fixture
async def conn(api_url: str) -> AsyncIterator[Connection]:
    """A connection of the API that was told nothing."""
    async with connect_as(api_url) as conn:
        yield conn


async def test_each_table_is_walled_or_it_is_said_why_not(db: Pool) -> None:
    assert sorted([*WALLED, *OPEN]) == sorted(row["relname"] for row in await db.fetch(OWN_TABLES))
    assert set(ROWS) == set(WALLED)
    assert await db.fetch(UNWALLED, WALLED, [*BY_EXPERIMENT_OR_NONE]) == []


@pytest.mark.usefixtures("two")
async def test_who_was_told_nothing_reaches_nothing(conn: Connection) -> None:
    for reach in (None, "", "{}"):
        if reach is not None:
            await conn.execute(TELL, reach)
        assert not any((await list_reached(conn)).values())


@pytest.mark.usefixtures("two")
async def test_a_statement_without_where_reaches_what_was_told(conn: Connection) -> None:
    for reach, experiments in (("{1}", [1]), ("{2}", [2]), ("{1,2,3}", [1, 2]), ("all", [1, 2])):
        await conn.execute(TELL, reach)
        assert await list_reached(conn) == dict.fromkeys(WALLED, experiments)


async def list_reached(conn: Connection) -> dict[str, list[int]]:
    """Of which experiments there are rows, for each table."""
    return {
        table: [
            row[0] for row in await conn.fetch(f"SELECT {COLUMN[table]} FROM {table} ORDER BY 1")
        ]
        for table in WALLED
    }


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("table", WALLED)
async def test_rows_of_others_can_t_be_written(conn: Connection, table: str) -> None:
    await conn.execute(TELL, encode_reach([MINE]))
    rights, column = TABLES[table][0], COLUMN[table]
    if "a" in rights:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await conn.execute(f"INSERT INTO {table} {ROWS[table]}", FOREIGN)
    if "c" in rights:
        others = f"UPDATE {table} SET {column} = {column} WHERE {column} = {FOREIGN}"
        if table != "experiment":  # its id can't be set at all
            assert await conn.execute(others) == "UPDATE 0"
        await conn.execute(f"SELECT FROM {table} FOR UPDATE")
    if "c" in rights and column == OWN:
        # Whose a file is stays, for everybody.
        refusal = (asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError)
        with pytest.raises(refusal, match=r"row-level security|stays what"):
            await conn.execute(f"UPDATE {table} SET {OWN} = {FOREIGN} WHERE {OWN} = {MINE}")
    if "d" in rights:
        assert await conn.execute(f"DELETE FROM {table} WHERE {column} = {FOREIGN}") == "DELETE 0"


async def test_each_column_that_names_a_row_of_an_experiment_is_checked(db: Pool) -> None:
    written = {table for table in WALLED if {*TABLES[table][0]} & {*"ac"}} - UNCHECKED
    naming = {tuple(row) for row in await db.fetch(NAMING, WALLED) if row[0] in written}
    checked = {(t, c, parent) for t, columns in REFERENCES.items() for c, parent in columns.items()}
    assert naming <= checked | {(table, *by) for table, by in BY_PARENT.items()}


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("table", REFERENCES)
async def test_rows_of_ones_own_name_nothing_of_others(
    db: Pool, conn: Connection, table: str
) -> None:
    await conn.execute(TELL, encode_reach([MINE]))
    columns = [row[0] for row in await db.fetch(COLUMNS, table)]
    mine = f"{COLUMN[table]} = {MINE}"
    for named in REFERENCES[table]:
        there = ", ".join(f'"{each}"' for each in columns)
        values = ", ".join(str(FOREIGN) if each == named else f'"{each}"' for each in columns)
        attacks = {
            "a": f"INSERT INTO {table} ({there}) OVERRIDING SYSTEM VALUE SELECT {values} FROM {table} WHERE {mine}",
            "c": f"UPDATE {table} SET {named} = {FOREIGN} WHERE {mine}",
        }
        for right in {*TABLES[table][0]} & {*attacks}:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                await conn.execute(attacks[right])


@pytest.mark.usefixtures("two")
async def test_what_is_nobodys_is_everybodys_or_the_admins(db: Pool, api_pool: ApiPool) -> None:
    await db.execute("INSERT INTO launch_hold (reason, held_by) VALUES ('', 1)")
    await db.execute("UPDATE discrepancy SET experiment_id = NULL")
    member = api_pool.of_experiments(lambda: [MINE])
    assert await member.fetchval("SELECT count(*) FROM launch_hold") == 2
    ended = "UPDATE launch_hold SET released_by = 1, released_at = now()"
    assert await member.execute(f"{ended} WHERE experiment_id IS NULL") == "UPDATE 0"
    assert await member.execute("DELETE FROM launch_hold WHERE experiment_id IS NULL") == "DELETE 0"
    for nobodys in ("launch_hold (reason, held_by) VALUES ('', 1)", NEWS):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await member.execute(f"INSERT INTO {nobodys}")
    assert await member.fetchval("SELECT count(*) FROM discrepancy") == 0
    assert await api_pool.everything.fetchval("SELECT count(*) FROM discrepancy") == 2


NEWS = "change_inbox (kind, actor_id, body) VALUES ('x', 1, '{}')"


@pytest.mark.usefixtures("two")
async def test_partitions_are_reached_by_their_table_alone(
    conn: Connection, worker_db: Pool
) -> None:
    await ensure_partitions(worker_db, 5)
    await conn.execute(TELL, "all")
    for partition in ("job_0", "job_5", "change_0"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.fetch(f"SELECT FROM {partition}")


@pytest.mark.usefixtures("two")
async def test_workers_reach_all_and_the_api_passes_no_policy(db: Pool, worker_db: Pool) -> None:
    for table in WALLED:
        if "r" in TABLES[table][1]:
            assert await worker_db.fetchval(f"SELECT count(*) FROM {table}") == 2, table
    assert not await db.fetchval("SELECT rolbypassrls FROM pg_roles WHERE rolname = $1", API)


@pytest.mark.usefixtures("two")
async def test_a_connection_never_keeps_what_the_viewer_before_reached(api_url: str) -> None:
    async with open_one_connection(api_url) as api:
        reaches: tuple[list[int] | None, ...] = (
            [MINE],
            [FOREIGN],
            [],
            [MINE, FOREIGN],
            None,
            [MINE],
        )
        for given in (*reaches, *reversed(reaches)):
            db = api.of_experiments(lambda given=given: given)  # type: ignore[misc]
            found = [
                row[0] for row in await db.fetch("SELECT experiment_id FROM campaign ORDER BY 1")
            ]
            assert found == ([MINE, FOREIGN] if given is None else given)
        pids = {await each.fetchval("SELECT pg_backend_pid()") for each in (api.everything, db)}
        assert len(pids) == 1


@pytest.mark.usefixtures("two")
async def test_nor_does_it_after_an_error_a_rollback_or_a_cancellation(api_url: str) -> None:
    async with open_one_connection(api_url) as api:
        mine, others = (api.of_experiments(lambda e=e: [e]) for e in (MINE, FOREIGN))  # type: ignore[misc]
        async with mine.acquire() as conn:
            transaction = conn.transaction()
            await transaction.start()
            await conn.execute("UPDATE campaign SET description = 'x'")
            await transaction.rollback()
        assert await others.fetchval(WHOSE) == [FOREIGN]
        with pytest.raises(asyncpg.DataError):
            await mine.fetch("SELECT 1 / 0")
        assert await others.fetchval(WHOSE) == [FOREIGN]
        slow = asyncio.create_task(mine.fetchval("SELECT pg_sleep(100)"))
        await asyncio.sleep(0)
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
        assert await others.fetchval(WHOSE) == [FOREIGN]
        assert await mine.fetchval(WHOSE) == [MINE]


@pytest.mark.usefixtures("two")
async def test_nor_wherever_it_was_cancelled_and_whatever_was_left_open(api_url: str) -> None:
    async with open_one_connection(api_url) as api:
        mine, others = (api.of_experiments(lambda e=e: [e]) for e in (MINE, FOREIGN))  # type: ignore[misc]
        for steps in range(25):  # in the telling, in the statement, and on the way back
            slow = asyncio.create_task(mine.fetchval("SELECT pg_sleep(100)"))
            for _ in range(steps):
                await asyncio.sleep(0)
            slow.cancel()
            await asyncio.gather(slow, return_exceptions=True)
            assert await others.fetchval(WHOSE) == [FOREIGN], steps
        async with mine.acquire() as conn:
            with pytest.raises(TimeoutError):
                await conn.fetch("SELECT pg_sleep(100)", timeout=0.01)
        assert await others.fetchval(WHOSE) == [FOREIGN]
        for ending in ("SELECT 1", "SELECT 1 / 0", "SELECT pg_terminate_backend(pg_backend_pid())"):
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError):
                async with mine.acquire() as conn:
                    await conn.execute("BEGIN")  # and nobody ends it
                    await conn.execute(ending)
            async with others.acquire() as conn:
                with suppress(ZeroDivisionError):
                    async with conn.transaction():
                        assert await conn.fetchval(WHOSE) == [FOREIGN], ending
                        raise ZeroDivisionError
                assert await conn.fetchval(WHOSE) == [FOREIGN], ending


WHOSE = "SELECT array_agg(experiment_id ORDER BY 1) FROM campaign"


@pytest.mark.usefixtures("two")
async def test_what_is_reached_is_asked_anew_at_each_use(api_pool: ApiPool) -> None:
    roles = [MINE, FOREIGN]
    db = api_pool.of_experiments(lambda: roles)
    assert await db.fetchval(WHOSE) == [MINE, FOREIGN]
    roles.remove(MINE)
    assert await db.fetchval(WHOSE) == [FOREIGN]
    roles.clear()
    assert await db.fetchval(WHOSE) is None


async def test_walls_that_stand_are_not_touched_and_others_are_replaced(
    db: Pool, database_url: str
) -> None:
    before = await db.fetch(POLICIES)
    async with connect_as(database_url) as owner, owner.transaction():
        await build_walls(owner)
        assert await owner.fetch(POLICIES) == before
        await owner.execute("CREATE POLICY old ON job TO poms_api USING (true)")
        await owner.execute("ALTER TABLE submission DISABLE ROW LEVEL SECURITY")
        await build_walls(owner)
        assert await owner.fetch(POLICIES) == before
        assert await owner.fetch(UNWALLED, WALLED, [*BY_EXPERIMENT_OR_NONE]) == []
