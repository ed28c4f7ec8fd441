"""Launch hosts: where launches are made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.keyset import Place, by_name, named
from db.pool import Database, many, one
from domain.launches import HostKind


@dataclass(frozen=True, slots=True)
class LaunchHost:
    """One row of `launch_host`."""

    id: int
    experiment_id: int
    name: str
    kind: HostKind
    address: str
    created_at: datetime


HOST_COLUMNS = ", ".join(LaunchHost.__dataclass_fields__)

HOSTS_BY_IDS = f"SELECT {HOST_COLUMNS} FROM launch_host WHERE id = ANY($1::bigint[])"


async def by_ids(db: Database, ids: Sequence[int]) -> list[LaunchHost]:
    """Find the launch hosts that exist among these."""
    return await many(db, LaunchHost, HOSTS_BY_IDS, ids)


HOST_BY_NAME = f"""
    SELECT {HOST_COLUMNS} FROM launch_host WHERE experiment_id = $1 AND name = $2
"""


async def find(db: Database, experiment_id: int, name: str) -> LaunchHost | None:
    """Find an experiment's launch host."""
    return await one(db, LaunchHost, HOST_BY_NAME, experiment_id, name)


HOSTS_CALLED = f"""
    SELECT {HOST_COLUMNS} FROM launch_host
     WHERE experiment_id = $1 AND (name = ANY($2::text[]) OR address = ANY($2)) ORDER BY id
"""


async def called(db: Database, experiment_id: int, names: Sequence[str]) -> list[LaunchHost]:
    """Find the launch hosts of an experiment with these addresses or names."""
    return await many(db, LaunchHost, HOSTS_CALLED, experiment_id, names)


HOSTS_FORWARD = by_name("launch_host", HOST_COLUMNS, backwards=False)
HOSTS_BACKWARD = by_name("launch_host", HOST_COLUMNS, backwards=True)


async def page(
    db: Database, experiment_id: int, place: Place, contains: str | None
) -> list[LaunchHost]:
    """Read a page of an experiment's launch hosts."""
    ways = HOSTS_FORWARD, HOSTS_BACKWARD
    return await named(db, LaunchHost, ways, experiment_id, place, contains)


CREATE_HOST = f"""
    WITH saved AS (
        INSERT INTO launch_host (experiment_id, name, kind, address) VALUES ($1, $2, $3, $4)
            ON CONFLICT (experiment_id, name) DO NOTHING
        RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, body)
        SELECT experiment_id, 'launch_host.created',
               jsonb_build_object('launch_host', 'launch_host:' || id, 'name', name)
          FROM saved
    )
    SELECT {HOST_COLUMNS} FROM saved
"""


async def create(
    db: Database, experiment_id: int, name: str, kind: HostKind, address: str
) -> LaunchHost | None:
    """Make a launch host, or return None when the name is taken."""
    return await one(db, LaunchHost, CREATE_HOST, experiment_id, name, kind, address)
