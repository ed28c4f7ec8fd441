"""Connections that know our types, and the ways to read rows from them."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import asyncpg
import orjson

from domain.discrepancies import DiscrepancyKind, Repair, Resolution
from domain.files import Delivery, Outcome, OutputState
from domain.job_types import Consumption, JobKind
from domain.jobs import JobState, Verb
from domain.launches import CredentialKind, HostKind, LaunchState, ScriptEnd
from domain.people import Role
from domain.recovery import Worth
from domain.schedules import CatchUp
from domain.stages import Completion, DeadlineFrom, StageKind, TriggerKind
from domain.submissions import SubmissionState

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Database: TypeAlias = "Connection | Pool"
if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

Row = TypeVar("Row")

ENUMS: dict[str, type[StrEnum]] = {
    "role": Role,
    "stage_kind": StageKind,
    "completion": Completion,
    "deadline_from": DeadlineFrom,
    "trigger_kind": TriggerKind,
    "host_kind": HostKind,
    "credential_kind": CredentialKind,
    "submission_state": SubmissionState,
    "launch_state": LaunchState,
    "job_state": JobState,
    "verb": Verb,
    "delivery": Delivery,
    "outcome": Outcome,
    "output_state": OutputState,
    "catch_up": CatchUp,
    "discrepancy_kind": DiscrepancyKind,
    "repair": Repair,
    "resolution": Resolution,
    "worth": Worth,
    "job_kind": JobKind,
    "consumption": Consumption,
    "script_end": ScriptEnd,
}


async def open_pool(dsn: str, most: int = 10) -> Pool:
    """Open a pool whose connections know our enums and give up on a statement after 30 seconds.

    Connections that a busy time needed are closed soon after it: each is a process of the server's.
    """
    return await asyncpg.create_pool(
        dsn,
        init=teach_types,
        min_size=1,
        max_size=most,
        max_inactive_connection_lifetime=20,
        reset=keep,
        command_timeout=30,
        server_settings={"application_name": "poms", "timezone": "UTC"},
    )


async def keep(_: Connection) -> None:
    """Give a connection back as it is: nobody here leaves locks, listeners or settings on one.

    Spares each request the round trip in which asyncpg would undo them.
    """


async def teach_types(conn: Connection) -> None:
    """Make enums StrEnums and jsonb plain Python values."""
    for name, enum in ENUMS.items():
        await conn.set_type_codec(name, schema="public", encoder=str, decoder=enum, format="text")
    await conn.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=orjson.loads, format="text"
    )


@asynccontextmanager
async def atomic(db: Database) -> AsyncIterator[Connection]:
    """A transaction of its own, or a part of the one that there is, which stays usable without it."""
    if isinstance(db, asyncpg.Pool):
        async with db.acquire() as conn, conn.transaction():
            yield conn
    else:
        async with db.transaction():
            yield db


async def one(db: Database, row: Callable[..., Row], sql: str, *args: Any) -> Row | None:
    """Run a statement that yields at most one row."""
    record = await db.fetchrow(sql, *args)
    return None if record is None else row(*record)


async def many(db: Database, row: Callable[..., Row], sql: str, *args: Any) -> list[Row]:
    """Run a statement that yields any number of rows."""
    return [row(*record) for record in await db.fetch(sql, *args)]
