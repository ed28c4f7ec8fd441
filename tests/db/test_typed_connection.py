"""A connection that looks our types up at once reads and writes what one does that looks up each."""

import asyncpg
import pytest

from db.pool import teach_types
from db.typed_connection import TypedConnection

KINDS = """
    SELECT $1::bigint[], $2::submission_state[], $3::jsonb[], $4::text[], ARRAY[true], ARRAY[1.5::numeric],
           'new'::submission_state, ARRAY['\\x00'::bytea], ARRAY[0.5::float8], ARRAY['2026-01-01T00:00Z'::timestamptz]
"""
GIVEN = ([1], ["new"], [{"a": 1}], ["x"])


async def test_types_are_as_asyncpg_itself_finds_them(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = await asyncpg.connect(database_url)
    typed = await asyncpg.connect(database_url, connection_class=TypedConnection)
    try:
        await teach_types(plain)
        expected = await plain.fetchrow(KINDS, *GIVEN)

        async def refuse(*_: object) -> None:
            raise AssertionError("asyncpg looked for a type by itself")

        monkeypatch.setattr(asyncpg.Connection, "_introspect_types", refuse)
        await teach_types(typed)
        assert typed._types  # asyncpg has asked it
        assert repr(await typed.fetchrow(KINDS, *GIVEN)) == repr(expected)
    finally:
        await plain.close()
        await typed.close()


async def test_a_type_that_is_not_among_them_is_looked_up(database_url: str) -> None:
    typed = await asyncpg.connect(database_url, connection_class=TypedConnection)
    try:
        await teach_types(typed)
        found = await typed.fetchrow(
            "SELECT int8range(1, 5), ARRAY[1::int8], ARRAY['127.0.0.1'::inet]"
        )
        assert found is not None
        assert (found[0].lower, found[1], str(found[2][0])) == (1, [1], "127.0.0.1")
    finally:
        await typed.close()
