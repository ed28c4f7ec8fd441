"""A test's database is emptied and used again, which takes a tenth of making another."""

import asyncio
import io
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

MOST_BYTES = 8_000_000
"""What was emptied keeps its room on the disk, and is slow to look through: so much may be added to all tables."""

# Of triggers and foreign keys nothing is heard. To ask each table for its size would open it: files are looked at.
EMPTY = """
    DO $$
    DECLARE
        it record;
        folder text := (SELECT 'base/' || oid FROM pg_database WHERE datname = current_database());
    BEGIN
        FOR it IN SELECT oid::regclass AS name FROM pg_class
                   WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
                     AND (pg_stat_file(format('%s/%s', folder, relfilenode), true)).size > 0
        LOOP
            EXECUTE format('DELETE FROM %s', it.name);
        END LOOP;
        FOR it IN SELECT seqrelid::regclass AS name, seqstart AS first FROM pg_sequence
        LOOP
            PERFORM setval(it.name, it.first, false);
        END LOOP;
    END $$
"""
# Tests may make, alter and drop things, and have tables analyzed.
SHAPE = """
    SELECT md5(concat(
        (SELECT string_agg(concat(relname, relkind, relrowsecurity), ',' ORDER BY relname) FROM pg_class
          WHERE relnamespace = 'public'::regnamespace),
        (SELECT string_agg(adbin::text, ',' ORDER BY adrelid::regclass::text, adnum) FROM pg_attrdef),
        (SELECT string_agg(concat(tgname, tgenabled), ',' ORDER BY tgname) FROM pg_trigger WHERE NOT tgisinternal),
        (SELECT count(*) FROM pg_attribute), (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_trigger),
        (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_namespace), (SELECT count(*) FROM pg_enum),
        (SELECT count(*) FROM pg_statistic)))
"""
SEEDED = """
    SELECT relname FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
"""
SIZE = "SELECT pg_database_size(current_database())"
END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


@dataclass(frozen=True)
class Fresh:
    """What a database is before any test has used it."""

    shape: str
    size: int
    rows: Mapping[str, bytes]
    """What migrations put into tables, as COPY has it."""

    @classmethod
    async def of(cls, dsn: str) -> "Fresh":
        conn = await asyncpg.connect(dsn)
        try:
            rows = dict[str, bytes]()
            for table in [row["relname"] for row in await conn.fetch(SEEDED)]:
                copied = io.BytesIO()
                await conn.copy_from_table(table, output=copied)
                rows[table] = copied.getvalue()
            return cls(await conn.fetchval(SHAPE), await conn.fetchval(SIZE), rows)
        finally:
            await conn.close()

    async def is_again(self, dsn: str) -> bool:
        """Make a database so again, if a test has not altered what is not rows."""
        conn = await asyncpg.connect(dsn)
        try:
            while await conn.fetch(END_OTHERS):
                await asyncio.sleep(0.01)
            is_alike = await conn.fetchval(SHAPE) == self.shape
            if not is_alike or await conn.fetchval(SIZE) > self.size + MOST_BYTES:
                return False
            async with conn.transaction():
                await conn.execute("SET LOCAL session_replication_role = replica")
                await conn.execute(EMPTY)
                for table, rows in self.rows.items():
                    await conn.copy_to_table(table, source=io.BytesIO(rows))
            return True
        finally:
            await conn.close()
