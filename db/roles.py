"""The database's roles: its owner, who brings it up to date, and one for each kind of process, none a superuser."""

from collections.abc import Mapping

import asyncpg

from domain.database_roles import WORKER

MAKE = """
    SELECT format('CREATE ROLE %I', name) FROM unnest($1::text[]) AS x (name)
     WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
"""
LET_IN = """
    SELECT format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE %s PASSWORD %L',
                  $1::text, $3::text, $2::text)
"""
# To compare two enums tells of neither. Marked so, it uses indexes and statistics also of rows that are walled off.
MARK_ENUMS = """
    ALTER FUNCTION enum_eq(anyenum, anyenum) LEAKPROOF;
    ALTER FUNCTION enum_ne(anyenum, anyenum) LEAKPROOF;
"""

# What is not the owner's yet was made by an older version, as a superuser. Sequences of tables follow these.
GIVE = """
    DO $$
    DECLARE
        ours constant oid := 'public'::regnamespace;
        statement text;
    BEGIN
        EXECUTE format('ALTER DATABASE %I OWNER TO poms_owner', current_database());
        EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO poms_api, poms_worker', current_database());
        ALTER SCHEMA public OWNER TO poms_owner;
        REVOKE ALL ON SCHEMA public FROM PUBLIC;
        GRANT USAGE ON SCHEMA public TO poms_api, poms_worker;
        FOR statement IN
            SELECT format('ALTER TABLE %s OWNER TO poms_owner', oid::regclass) FROM pg_class c
             WHERE relnamespace = ours AND relkind IN ('r', 'p', 'v', 'm') AND relowner <> 'poms_owner'::regrole
             UNION ALL
            SELECT format('ALTER SEQUENCE %s OWNER TO poms_owner', oid::regclass) FROM pg_class c
             WHERE relnamespace = ours AND relkind = 'S' AND relowner <> 'poms_owner'::regrole
               AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype IN ('a', 'i')
                                                       AND refclassid = 'pg_class'::regclass)
             UNION ALL
            SELECT format('ALTER ROUTINE %s OWNER TO poms_owner', oid::regprocedure) FROM pg_proc p
             WHERE pronamespace = ours AND proowner <> 'poms_owner'::regrole
               AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
             UNION ALL
            SELECT format('ALTER TYPE %s OWNER TO poms_owner', oid::regtype) FROM pg_type t
             WHERE typnamespace = ours AND typowner <> 'poms_owner'::regrole
               AND (typtype IN ('e', 'd', 'r') OR EXISTS (SELECT FROM pg_class WHERE oid = typrelid AND relkind = 'c'))
               AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = t.oid AND deptype = 'e')
        LOOP
            EXECUTE statement;
        END LOOP;
    END $$
"""


async def make_roles(
    superuser: "asyncpg.Connection[asyncpg.Record]", passwords: Mapping[str, str]
) -> None:
    """Make the roles that are not there, and let each in by its password."""
    async with superuser.transaction():
        for row in await superuser.fetch(MAKE, list(passwords)):
            await superuser.execute(row[0])
        for role, password in passwords.items():
            # Workers reach all rows: policies would only keep the planner from what it knows of them.
            passes = "BYPASSRLS" if role == WORKER else "NOBYPASSRLS"
            await superuser.execute(await superuser.fetchval(LET_IN, role, password, passes))


async def prepare_database(dsn: str, passwords: Mapping[str, str]) -> None:
    """As a superuser, make the roles and give the database, with all in it, to its owner; again changes nothing."""
    conn = await asyncpg.connect(dsn, timeout=30)
    try:
        await make_roles(conn, passwords)
        await conn.execute(GIVE)
        await conn.execute(MARK_ENUMS)
    finally:
        await conn.close(timeout=10)
