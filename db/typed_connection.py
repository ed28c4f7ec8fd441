"""A connection that looks all types of ours up at once."""

from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import asyncpg

# The columns of asyncpg's own statement for this, as far as scalars and arrays of them need them.
TYPES = """
    SELECT t.oid, n.nspname AS ns, t.typname AS name, t.typtype AS kind, t.typelem AS elemtype,
           e.typdelim AS elemdelim, e.typname AS elemtype_name,
           NULL AS basetype, NULL AS basetype_name, NULL AS range_subtype, NULL AS attrtypoids, NULL AS attrnames
      FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
      LEFT JOIN pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
     WHERE nspname = 'public' AND (t.typtype = 'e' OR e.typtype = 'e')
        OR nspname = 'pg_catalog'
       AND e.typname IN ('bool', 'int4', 'int8', 'float8', 'numeric', 'text', 'bytea', 'timestamptz', 'jsonb', 'uuid')
"""
NOTHING_ASKED = SimpleNamespace(name="none")
"""In the place of the statement that asked for types: a name says that the one in hand was not forgotten for it."""


class TypedConnection(asyncpg.Connection):
    """One that soon knows our enums, and arrays.

    asyncpg looks each enum up by a statement that it prepares anew each time, and each array by a large one that costs
    more than all else in opening a connection; a worker opens a dozen. Should it ever do so in another way, these
    methods are not called, and all goes on as it would without.
    """

    _types: list[asyncpg.Record] | None = None

    async def _list_types(self) -> list[asyncpg.Record]:
        if self._types is None:
            self._types = await self.fetch(TYPES)
        return self._types

    async def _introspect_type(self, typename: str, schema: str) -> Any:
        for found in await self._list_types():
            if (found["ns"], found["name"]) == (schema, typename):
                return found
        return await super()._introspect_type(typename, schema)  # type: ignore[misc]  # not in the stubs

    async def _introspect_types(self, typeoids: Collection[int], timeout: Any) -> Any:  # noqa: ASYNC109  # as it is called
        found = [known for known in self._types or () if known["oid"] in typeoids]
        if len(found) == len(typeoids):
            return found, NOTHING_ASKED
        return await super()._introspect_types(typeoids, timeout)  # type: ignore[misc]  # as above
