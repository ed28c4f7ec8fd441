"""Which experiments a connection of the API reaches: it is told before each use, and reaches none before it is.

The row policies (`db/walls.py`) ask what it was told. Nothing else hands out connections of the API.
"""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from db.typed_connection import TypedConnection

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

ALL = "all"
TELL = "SELECT set_config('poms.reach', $1, false)"


class ApiConnection(TypedConnection):
    """A connection that knows what the database was told on it."""

    _told: str | None = None

    async def tell(self, reach: str) -> None:
        """Tell the database what to reach from here on, unless it knows: whoever had it last may reach the same.

        That spares nearly all requests a round trip. Outside any transaction, whose end could undo it.
        """
        if self._told != reach:
            self._told = None  # whatever happens on the way, the next one tells it anew
            await self.execute(TELL, reach)
            self._told = reach


class ReachingPool:
    """Connections for somebody who reaches certain experiments; used as a pool is."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", find_reach: Callable[[], str]) -> None:
        self._pool, self._find_reach = pool, find_reach

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["PoolConnectionProxy[asyncpg.Record]"]:
        """A connection that reaches what is reached now."""
        async with self._pool.acquire() as conn:
            await conn.tell(self._find_reach())  # type: ignore[attr-defined]  # of `ApiConnection`
            yield conn

    async def execute(self, sql: str, *args: Any) -> str:
        """As of a connection, like the next ones."""
        async with self.acquire() as conn:
            return await conn.execute(sql, *args)

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:  # noqa: D102
        async with self.acquire() as conn:
            return await conn.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:  # noqa: D102
        async with self.acquire() as conn:
            return await conn.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:  # noqa: D102
        async with self.acquire() as conn:
            return await conn.fetchval(sql, *args)


class ApiPool:
    """The API's connections: nobody gets one without saying what it is to reach."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self.close, self.terminate = pool.close, pool.terminate

    @property
    def everything(self) -> ReachingPool:
        """Connections that reach all experiments: for what serves everybody, and says so by this word."""
        return ReachingPool(self._pool, lambda: ALL)

    def of_experiments(
        self, find_experiments: Callable[[], Collection[int] | None]
    ) -> ReachingPool:
        """Connections that reach what the function says at each use, since memberships change.

        None, as of a service admin, is all.
        """
        return ReachingPool(self._pool, lambda: encode_reach(find_experiments()))


def encode_reach(experiments: Collection[int] | None) -> str:
    """The words of the setting; no experiment is not all of them."""
    return ALL if experiments is None else "{" + ",".join(map(str, experiments)) + "}"
