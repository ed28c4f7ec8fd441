"""Job types: commands with their parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from db.changes import sign_as_person, tell_saved_row
from db.keyset import NameIsTaken, PageRequest, page_by_name, render_page_by_name
from db.pool import Database, fetch_many, fetch_one
from domain.changes import ChangeKind
from domain.permissions import Role
from domain.setup import job_types
from domain.setup.job_types import Consumption, JobKind


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
    def definition(self) -> job_types.JobTypeDefinition:
        """As somebody wanted it saved."""
        names = job_types.JobTypeDefinition.__dataclass_fields__
        return job_types.JobTypeDefinition(**{name: getattr(self, name) for name in names})


COLUMNS = ", ".join(JobType.__dataclass_fields__)
BY_IDS = f"SELECT {COLUMNS} FROM job_type WHERE id = ANY($1::bigint[])"


async def find_by_ids(db: Database, ids: Sequence[int]) -> list[JobType]:
    """Find the job types that exist among these."""
    return await fetch_many(db, JobType, BY_IDS, ids)


BY_NAMES = f"SELECT {COLUMNS} FROM job_type WHERE experiment_id = $1 AND name = ANY($2::text[])"


async def find_by_names(db: Database, experiment_id: int, names: Sequence[str]) -> list[JobType]:
    """Find the job types of an experiment that have these names."""
    return await fetch_many(db, JobType, BY_NAMES, experiment_id, names)


FORWARD = render_page_by_name("job_type", COLUMNS, backwards=False)
BACKWARD = render_page_by_name("job_type", COLUMNS, backwards=True)


async def page(
    db: Database, experiment_id: int, place: PageRequest, contains: str | None
) -> list[JobType]:
    """Read a page of an experiment's job types."""
    return await page_by_name(db, JobType, (FORWARD, BACKWARD), experiment_id, place, contains)


CREATE = f"""
    WITH saved AS (
        INSERT INTO job_type (experiment_id, name, command, parameters, output_check, patterns, recoveries,
                              resources, kind, consumption, owner_id, owning_role)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            ON CONFLICT (experiment_id, name) DO NOTHING
        RETURNING *
    ), told AS ({tell_saved_row(ChangeKind.JOB_TYPE_SAVED, sign_as_person("$11"), "version")})
    SELECT {COLUMNS} FROM saved
"""


async def create(
    db: Database,
    experiment_id: int,
    given: job_types.JobTypeDefinition,
    owner_id: int,
    owning_role: Role,
) -> JobType | None:
    """Make a job type, or return None when the name is taken."""
    return await fetch_one(
        db, JobType, CREATE, experiment_id, *_build_row_values(given), owner_id, owning_role
    )


CHANGE = f"""
    WITH saved AS (
        UPDATE job_type
           SET name = $3, command = $4, parameters = $5, output_check = $6, patterns = $7, recoveries = $8,
               resources = $9, kind = $10, consumption = $11, active = $12, version = version + 1, updated_at = now()
         WHERE id = $1 AND version = $2
        RETURNING *
    ), told AS ({tell_saved_row(ChangeKind.JOB_TYPE_SAVED, sign_as_person("$13"), "version")})
    SELECT {COLUMNS} FROM saved
"""


async def update(
    db: Database,
    id: int,
    version: int,
    given: job_types.JobTypeDefinition,
    person_id: int,
    *,
    active: bool,
) -> JobType | None:
    """Save a job type anew, or return None when it is not at this version any more.

    Raises Taken when the name is another one's.
    """
    try:
        return await fetch_one(
            db, JobType, CHANGE, id, version, *_build_row_values(given), active, person_id
        )
    except asyncpg.UniqueViolationError as error:
        raise NameIsTaken from error


def _build_row_values(given: job_types.JobTypeDefinition) -> tuple[object, ...]:
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
