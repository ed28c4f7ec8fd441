"""Job types: commands with their parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from db.keyset import Place, Taken, by_name, named
from db.pool import Database, many, one
from domain import job_types
from domain.job_types import Consumption, JobKind
from domain.people import Role


@dataclass(frozen=True, slots=True)
class JobType:
    """One row of `job_type`."""

    id: int
    experiment_id: int
    name: str
    command: list[str]
    kind: JobKind
    consumption: Consumption
    parameters: list[list[str]]
    output_check: list[str]
    patterns: list[str]
    recoveries: list[dict[str, Any]]
    resources: dict[str, int]
    owner_id: int
    owning_role: Role
    active: bool
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def wanted(self) -> job_types.JobType:
        """As somebody wanted it saved."""
        names = job_types.JobType.__dataclass_fields__
        return job_types.JobType(**{name: getattr(self, name) for name in names})


COLUMNS = ", ".join(JobType.__dataclass_fields__)
BY_IDS = f"SELECT {COLUMNS} FROM job_type WHERE id = ANY($1::bigint[])"


async def by_ids(db: Database, ids: Sequence[int]) -> list[JobType]:
    """Find the job types that exist among these."""
    return await many(db, JobType, BY_IDS, ids)


BY_NAMES = f"SELECT {COLUMNS} FROM job_type WHERE experiment_id = $1 AND name = ANY($2::text[])"


async def by_names(db: Database, experiment_id: int, names: Sequence[str]) -> list[JobType]:
    """Find the job types of an experiment that have these names."""
    return await many(db, JobType, BY_NAMES, experiment_id, names)


FORWARD = by_name("job_type", COLUMNS, backwards=False)
BACKWARD = by_name("job_type", COLUMNS, backwards=True)


async def page(
    db: Database, experiment_id: int, place: Place, contains: str | None
) -> list[JobType]:
    """Read a page of an experiment's job types."""
    return await named(db, JobType, (FORWARD, BACKWARD), experiment_id, place, contains)


TOLD = """
    INSERT INTO change_inbox (experiment_id, kind, body)
    SELECT experiment_id, 'job_type.saved',
           jsonb_build_object('job_type', 'job_type:' || id, 'name', name, 'version', version)
      FROM saved
"""

CREATE = f"""
    WITH saved AS (
        INSERT INTO job_type (experiment_id, name, command, parameters, output_check, patterns, recoveries,
                              resources, kind, consumption, owner_id, owning_role)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            ON CONFLICT (experiment_id, name) DO NOTHING
        RETURNING *
    ), told AS ({TOLD})
    SELECT {COLUMNS} FROM saved
"""


async def create(
    db: Database, experiment_id: int, given: job_types.JobType, owner_id: int, owning_role: Role
) -> JobType | None:
    """Make a job type, or return None when the name is taken."""
    return await one(db, JobType, CREATE, experiment_id, *_values(given), owner_id, owning_role)


CHANGE = f"""
    WITH saved AS (
        UPDATE job_type
           SET name = $3, command = $4, parameters = $5, output_check = $6, patterns = $7, recoveries = $8,
               resources = $9, kind = $10, consumption = $11, active = $12, version = version + 1, updated_at = now()
         WHERE id = $1 AND version = $2
        RETURNING *
    ), told AS ({TOLD})
    SELECT {COLUMNS} FROM saved
"""


async def change(
    db: Database,
    id: int,
    version: int,
    given: job_types.JobType,
    *,
    active: bool,
) -> JobType | None:
    """Save a job type anew, or return None when it is not at this version any more.

    Raises Taken when the name is another one's.
    """
    try:
        return await one(db, JobType, CHANGE, id, version, *_values(given), active)
    except asyncpg.UniqueViolationError as error:
        raise Taken from error


def _values(given: job_types.JobType) -> tuple[object, ...]:
    return (
        given.name,
        list(given.command),
        [list(pair) for pair in given.parameters],
        list(given.output_check),
        list(given.patterns),
        [dict(entry) for entry in given.recoveries],
        dict(given.resources),
        given.kind,
        given.consumption,
    )
