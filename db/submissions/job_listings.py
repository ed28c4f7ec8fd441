"""What submissions consist of: jobs, their attempts, inputs and outputs, page by page along their keys."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from db.pool import Database, fetch_many
from db.submissions.output_files import COLUMNS as OUTPUT_COLUMNS
from db.submissions.output_files import OutputFile
from domain.submissions.file_states import Delivery, Outcome, OutputState
from domain.submissions.jobs import JobState


@dataclass(frozen=True, slots=True)
class Job:
    """One row of `job`, with its work unit's files."""

    submission_id: int
    number: int
    state: JobState
    attempt: int
    native_id: str | None
    reason: str | None
    exit_code: int | None
    signal: int | None
    code: int | None
    subcode: int | None
    text: str | None
    site: str | None
    slot: str | None
    cpu_s: float | None
    wall_s: float | None
    memory_mb: float | None
    started_at: datetime | None
    ended_at: datetime | None
    log_tail: str | None


@dataclass(frozen=True, slots=True)
class JobStart:
    """One row of `attempt`."""

    submission_id: int
    number: int
    attempt: int
    state: JobState
    exit_code: int | None
    signal: int | None
    code: int | None
    subcode: int | None
    text: str | None
    site: str | None
    slot: str | None
    cpu_s: float | None
    wall_s: float | None
    memory_mb: float | None
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class InputFile:
    """One row of `input_file`."""

    submission_id: int
    number: int
    file_id: int
    delivery: Delivery
    outcome: Outcome
    reason: str | None


JOB_COLUMNS = ", ".join(Job.__dataclass_fields__)

JOBS = {
    backwards: f"""
    SELECT {JOB_COLUMNS} FROM job
     WHERE submission_id = $1 AND ($2::int IS NULL OR number {"<" if backwards else ">"} $2)
       AND ($4::job_state[] IS NULL OR state = ANY($4))
     ORDER BY number {"DESC" if backwards else "ASC"} LIMIT $3
"""
    for backwards in (False, True)
}


async def list_jobs(
    db: Database,
    submission_id: int,
    start: int | None,
    limit: int,
    states: Collection[JobState] | None = None,
    *,
    backwards: bool = False,
) -> list[Job]:
    """The next jobs of a submission past a number."""
    wanted = None if states is None else list(states)
    return await fetch_many(db, Job, JOBS[backwards], submission_id, start, limit, wanted)


JOBS_BY_KEYS = f"""
    SELECT {", ".join(f"j.{name}" for name in Job.__dataclass_fields__)}
      FROM unnest($1::bigint[], $2::int[]) AS k (submission_id, number)
      JOIN job j ON j.submission_id = k.submission_id AND j.number = k.number
     WHERE j.submission_id = ANY($1)
"""


async def find_jobs(db: Database, keys: Sequence[tuple[int, int]]) -> list[Job]:
    """Find the jobs that exist among these (submission id, number)."""
    return await fetch_many(db, Job, JOBS_BY_KEYS, [k[0] for k in keys], [k[1] for k in keys])


ATTEMPTS = f"""
    SELECT {", ".join(f"a.{name}" for name in JobStart.__dataclass_fields__)}
      FROM unnest($1::bigint[], $2::int[]) AS k (submission_id, number)
      JOIN attempt a ON a.submission_id = k.submission_id AND a.number = k.number
     WHERE a.submission_id = ANY($1)
     ORDER BY a.submission_id, a.number, a.attempt
"""


async def list_attempts(db: Database, keys: Sequence[tuple[int, int]]) -> list[JobStart]:
    """Every start of these jobs, first one first."""
    return await fetch_many(db, JobStart, ATTEMPTS, [k[0] for k in keys], [k[1] for k in keys])


INPUTS = {
    backwards: f"""
    SELECT {", ".join(InputFile.__dataclass_fields__)} FROM input_file
     WHERE submission_id = $1 AND ($2::bigint IS NULL OR file_id {"<" if backwards else ">"} $2)
       AND ($4::delivery[] IS NULL OR delivery = ANY($4))
       AND ($5::outcome[] IS NULL OR outcome = ANY($5))
       AND ($6::int IS NULL OR number = $6)
     ORDER BY file_id {"DESC" if backwards else "ASC"} LIMIT $3
"""
    for backwards in (False, True)
}


async def list_inputs(
    db: Database,
    submission_id: int,
    start: int | None,
    limit: int,
    narrow: tuple[Collection[Delivery] | None, Collection[Outcome] | None, int | None],
    *,
    backwards: bool = False,
) -> list[InputFile]:
    """The next inputs of a submission past a file, by (delivery, outcome, job's number)."""
    delivery, outcome, number = narrow
    return await fetch_many(
        db,
        InputFile,
        INPUTS[backwards],
        submission_id,
        start,
        limit,
        None if delivery is None else list(delivery),
        None if outcome is None else list(outcome),
        number,
    )


OUTPUTS = {
    backwards: f"""
    SELECT {OUTPUT_COLUMNS} FROM output_file
     WHERE submission_id = $1
       AND ($2::int IS NULL OR (number, name) {"<" if backwards else ">"} ($2, $3))
       AND ($5::output_state[] IS NULL OR state = ANY($5))
       AND ($6::int IS NULL OR number = $6)
     ORDER BY number {"DESC" if backwards else "ASC"}, name {"DESC" if backwards else "ASC"}
     LIMIT $4
"""
    for backwards in (False, True)
}


async def list_outputs(
    db: Database,
    submission_id: int,
    start: tuple[int, str] | None,
    limit: int,
    narrow: tuple[Collection[OutputState] | None, int | None],
    *,
    backwards: bool = False,
) -> list[OutputFile]:
    """The next outputs of a submission past (job's number, name), by (states, job's number)."""
    states, only = narrow
    number, name = start or (None, None)
    wanted = None if states is None else list(states)
    return await fetch_many(
        db, OutputFile, OUTPUTS[backwards], submission_id, number, name, limit, wanted, only
    )
