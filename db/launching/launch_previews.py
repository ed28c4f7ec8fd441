"""What one launch would be: what each of its jobs would get, and what jobs like these have used."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from db.launching import slice_previews
from db.launching.launch_plans import PlannedSubmission
from db.launching.stage_launch_view import StageLaunchView
from db.pool import Database, fetch_many, fetch_one
from domain.campaigns.splits.queries import Look
from domain.launching.estimates import MOST, Estimate, estimate_usage

MOST_SLICES, MOST_LOOKS, AT_A_TIME = 10_000, 1_000, 500
"""After so many slices, or looks into the dataset for them, nobody counts on."""


@dataclass(frozen=True, slots=True)
class JobLoadPreview:
    """What the jobs get, job by job, and what is to be known of the files."""

    files: list[int]
    bytes: list[int]
    events: list[int]
    without_events: int
    without_size: int
    duplicates: int
    """So many files have the size and checksum of another one of the slice."""
    done_before: int
    """So many were done by the stage, in this software version, before."""


LOADS = """
    , unit AS (
        SELECT number, count(*) AS files, coalesce(sum(size), 0)::bigint AS bytes,
               coalesce(sum(events), 0)::bigint AS events,
               count(*) - count(events) AS without_events, count(*) - count(size) AS without_size
          FROM sliced GROUP BY number ORDER BY number
    ), duplicate AS (
        SELECT count(*) - 1 AS more FROM sliced WHERE checksum IS NOT NULL AND size IS NOT NULL
         GROUP BY size, checksum HAVING count(*) > 1
    )
    SELECT coalesce(array_agg(files), '{}') AS files, coalesce(array_agg(bytes), '{}') AS bytes,
           coalesce(array_agg(events), '{}') AS events, coalesce(sum(without_events), 0)::bigint AS without_events,
           coalesce(sum(without_size), 0)::bigint AS without_size,
           (SELECT coalesce(sum(more), 0)::bigint FROM duplicate) AS duplicates,
           (SELECT count(*) FROM sliced JOIN processed_file p USING (file_id)
             WHERE p.stage_id = $3 AND p.version = $4 AND p.is_test = $5) AS done_before
      FROM unit
"""

RANGE = (
    """
    WITH sliced AS MATERIALIZED (
        SELECT width_bucket(d.ordinal - $6::bigint, $2::bigint[]) AS number, d.file_id, f.size, f.events, f.checksum
          FROM dataset_file d JOIN file f ON f.id = d.file_id
         WHERE d.dataset_id = $1 AND d.ordinal >= $6 AND d.ordinal < $7::bigint
    )"""
    + LOADS
)

LISTED = (
    """
    WITH sliced AS MATERIALIZED (
        SELECT width_bucket(x.place - 1, $2::bigint[]) AS number, d.file_id, f.size, f.events, f.checksum
          FROM unnest($6::bigint[]) WITH ORDINALITY AS x (ordinal, place)
          JOIN dataset_file d ON d.dataset_id = $1 AND d.ordinal = x.ordinal
          JOIN file f ON f.id = d.file_id
    )"""
    + LOADS
)


async def measure_job_loads(db: Database, planned: PlannedSubmission) -> JobLoadPreview:
    """What each job would get."""
    stage, taken, jobs = planned.stage, planned.slice, len(planned.starts)
    if stage.generates:
        return JobLoadPreview([0] * jobs, [0] * jobs, [stage.events_per_unit] * jobs, 0, 0, 0, 0)
    common = (
        stage.dataset_id, planned.starts, stage.id, stage.software_version, planned.is_test,
    )  # fmt: skip
    if taken.listed is None:
        found = await fetch_one(db, JobLoadPreview, RANGE, *common, taken.low, taken.high)
    else:
        found = await fetch_one(db, JobLoadPreview, LISTED, *common, taken.listed)
    assert found is not None  # noqa: S101 - sums are one row
    return found


@dataclass(frozen=True, slots=True)
class JobUsage:
    """What one job used."""

    cpu_s: float | None
    wall_s: float | None
    memory_mb: float | None


# The newest submissions first, each only as far as needed: the jobs of a stage are never all read.
USED = """
    SELECT j.cpu_s, j.wall_s, j.memory_mb
      FROM (SELECT id FROM submission
             WHERE stage_id = $1 AND is_test = $2 AND jobs_succeeded > 0 ORDER BY id DESC LIMIT $3) s
     CROSS JOIN LATERAL (SELECT cpu_s, wall_s, memory_mb FROM job
                          WHERE submission_id = s.id AND state = 'succeeded' LIMIT $3) j
     ORDER BY s.id DESC LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class ExpectedUsage:
    """What one job is expected to use."""

    cpu_s: Estimate
    wall_s: Estimate
    memory_mb: Estimate


async def estimate_job_usage(db: Database, stage_id: int, *, is_test: bool) -> ExpectedUsage:
    """What the newest successful jobs of the stage (or of its tests) used."""
    jobs = await fetch_many(db, JobUsage, USED, stage_id, is_test, MOST)
    return ExpectedUsage(
        _estimate_known(job.cpu_s for job in jobs),
        _estimate_known(job.wall_s for job in jobs),
        _estimate_known(job.memory_mb for job in jobs),
    )


def _estimate_known(used: Iterable[float | None]) -> Estimate:
    return estimate_usage([value for value in used if value is not None])


async def count_slices(db: Database, stage: StageLaunchView, *, is_test: bool) -> tuple[int, bool]:
    """How many slices there are to come, as far as they are counted; and that there are more."""
    looks: list[Look] = []
    number = 0
    async for _ in slice_previews.iterate_slices(db, stage, looks, is_test=is_test):
        number += 1
        if number >= MOST_SLICES or len(looks) >= MOST_LOOKS:
            return number, True
        if number % AT_A_TIME == 0:
            await asyncio.sleep(
                0
            )  # slices of a generator need no query: nobody else would come to a turn
    return number, False
