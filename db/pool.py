"""Connections that know our types, and the ways to read rows from them."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import asyncpg
import orjson

from db.outages import DatabaseAway
from db.reach import ApiConnection, ApiPool, ReachingPool
from db.typed_connection import TypedConnection
from domain.batch.installations import InstallationAnswer
from domain.campaigns.schedules import CatchUp
from domain.campaigns.stages import Completion, DeadlineFrom, StageKind, TriggerKind
from domain.discrepancies import DiscrepancyKind, Repair, Resolution
from domain.files.catalogs import CatalogKind, DatasetPolicy
from domain.files.listings import DifferenceKind, ListingState
from domain.launching.catalog_launches import CatalogLaunchState
from domain.launching.launches import LaunchState, ScriptEnd
from domain.permissions import Role
from domain.recovery.recovery_decisions import RecoveryDecision
from domain.requests.approvals import ApprovalVerdict
from domain.requests.requests import RequestDecisionKind, RequestState
from domain.setup.credentials import CredentialKind
from domain.setup.job_types import Consumption, JobKind
from domain.setup.launch_hosts import HostKind
from domain.submissions.file_states import Delivery, Outcome, OutputState
from domain.submissions.jobs import JobActionVerb, JobState
from domain.submissions.submissions import SubmissionState

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
AnyPool: TypeAlias = "Pool | ReachingPool"
Database: TypeAlias = "Connection | AnyPool"
if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

Row = TypeVar("Row")

REFUSALS = (
    asyncpg.DataError,
    asyncpg.CardinalityViolationError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.InternalServerError,  # too much memory for one value, among others
)
"""What the database says where the data are wrong for it: the same again would be refused again."""
IN_NEED = (
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
)
"""What is said where the database itself is away, full or being ended, whatever it was given."""

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
    "installation_answer": InstallationAnswer,
    "verb": JobActionVerb,
    "delivery": Delivery,
    "outcome": Outcome,
    "output_state": OutputState,
    "catch_up": CatchUp,
    "discrepancy_kind": DiscrepancyKind,
    "repair": Repair,
    "resolution": Resolution,
    "recovery_decision": RecoveryDecision,
    "job_kind": JobKind,
    "consumption": Consumption,
    "script_end": ScriptEnd,
    "catalog_kind": CatalogKind,
    "catalog_launch_state": CatalogLaunchState,
    "request_state": RequestState,
    "request_decision_kind": RequestDecisionKind,
    "approval_verdict": ApprovalVerdict,
    "dataset_policy": DatasetPolicy,
    "listing_state": ListingState,
    "difference_kind": DifferenceKind,
}


def describe_error(error: Exception) -> str:
    """What an error says, without the details of the database, which may show whole rows of anybody's."""
    text = str(error.args[0]) if isinstance(error, asyncpg.PostgresError) else str(error)
    said = f"{type(error).__name__}: {text}".replace("\0", "\ufffd")
    return said.encode("utf-8", "replace").decode()


async def open_pool(
    dsn: str,
    most: int = 10,
    connection_class: type[TypedConnection] = TypedConnection,
) -> "asyncpg.Pool[asyncpg.Record]":
    """Open a pool whose connections know our enums and give up on a statement after 30 seconds.

    Connections that a busy time needed are closed soon after it: each is a process of the server's.
    """
    return await asyncpg.create_pool(
        dsn,
        connect=open_connection,
        connection_class=connection_class,
        init=teach_types,
        min_size=1,
        max_size=most,
        max_inactive_connection_lifetime=20,
        reset=keep_session,
        command_timeout=30,
        server_settings={"application_name": "poms", "timezone": "UTC"},
    )


async def open_api_pool(dsn: str, most: int = 10) -> ApiPool:
    """The same for the API, whose connections are told which experiments they reach."""
    return ApiPool(await open_pool(dsn, most, ApiConnection))


async def open_connection(*args: Any, **kwargs: Any) -> "asyncpg.Connection[asyncpg.Record]":
    """Connect; raises `DatabaseAway` where nobody listens, which else can't be told from an error of a file."""
    try:
        return await asyncpg.connect(*args, **kwargs)
    except OSError as error:
        raise DatabaseAway(str(error)) from error


async def keep_session(_: Connection) -> None:
    """Give a connection back as it is: nobody here leaves locks or listeners on one, and what it reaches is told anew.

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
async def begin_transaction(db: Database) -> AsyncIterator[Connection]:
    """A transaction of its own, or a part of the one that there is, which stays usable without it."""
    if isinstance(db, asyncpg.Pool | ReachingPool):
        async with db.acquire() as conn, conn.transaction():
            yield conn
    else:
        async with db.transaction():
            yield db


async def fetch_one(db: Database, row: Callable[..., Row], sql: str, *args: Any) -> Row | None:
    """Run a statement that yields at most one row."""
    record = await db.fetchrow(sql, *args)
    return None if record is None else row(*record)


async def fetch_many(db: Database, row: Callable[..., Row], sql: str, *args: Any) -> list[Row]:
    """Run a statement that yields any number of rows."""
    return [row(*record) for record in await db.fetch(sql, *args)]
