"""The bare SQL that batches of job events are held against: one statement, nothing that can refuse."""

from collections.abc import Sequence
from typing import Any

from db.pool import Connection

FIELDS = {
    "submission_id": "bigint", "number": "int", "attempt": "int", "state": "text", "sequence": "bigint",
    "exit_code": "int", "site": "text", "slot": "text", "cpu_s": "float8", "wall_s": "float8",
    "memory_mb": "float8", "started_at": "timestamptz", "ended_at": "timestamptz",
}  # fmt: skip
ROWS = (
    "SELECT * FROM unnest("
    + ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(FIELDS.values(), 1))
    + f") AS x ({', '.join(FIELDS)})"
)

JOBS = f"""
    WITH x AS ({ROWS}), moved AS (
        UPDATE job j
           SET state = x.state::job_state, attempt = x.attempt, sequence = x.sequence, exit_code = x.exit_code,
               site = x.site, slot = x.slot, cpu_s = x.cpu_s, wall_s = x.wall_s, memory_mb = x.memory_mb,
               started_at = coalesce(x.started_at, j.started_at), ended_at = x.ended_at
          FROM x
         WHERE j.submission_id = x.submission_id AND j.number = x.number AND j.sequence < x.sequence
        RETURNING j.submission_id, old.state AS was, new.state AS now
    ), history AS (
        INSERT INTO attempt AS a (submission_id, number, attempt, state, sequence, exit_code, site, slot, cpu_s, wall_s,
                                  memory_mb, started_at, ended_at)
        SELECT submission_id, number, attempt, state::job_state, sequence, exit_code, site, slot, cpu_s, wall_s,
               memory_mb, started_at, ended_at
          FROM x
            ON CONFLICT (submission_id, number, attempt) DO UPDATE
           SET state = excluded.state, sequence = excluded.sequence, exit_code = excluded.exit_code,
               cpu_s = excluded.cpu_s, wall_s = excluded.wall_s, memory_mb = excluded.memory_mb,
               ended_at = excluded.ended_at
    )
    UPDATE submission s
       SET jobs_idle = jobs_idle + d.idle, jobs_running = jobs_running + d.running,
           jobs_succeeded = jobs_succeeded + d.succeeded
      FROM (SELECT submission_id,
                   count(*) FILTER (WHERE now = 'idle')    - count(*) FILTER (WHERE was = 'idle')    AS idle,
                   count(*) FILTER (WHERE now = 'running') - count(*) FILTER (WHERE was = 'running') AS running,
                   count(*) FILTER (WHERE now = 'succeeded')                                         AS succeeded
              FROM moved GROUP BY submission_id) d
     WHERE s.id = d.submission_id
"""

# What reports say besides: a file that is done, once for the stage, and one that was made of it.
FILES = """
    WITH x AS (
        SELECT * FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::text[])
            AS x (submission_id, number, file_id, name, path, size, checksum)
    ), done AS (
        UPDATE input_file i SET delivery = 'consumed', outcome = 'done'
          FROM x WHERE i.submission_id = x.submission_id AND i.file_id = x.file_id
    ), processed AS (
        INSERT INTO processed_file (stage_id, version, is_test, file_id, submission_id, number)
        SELECT s.stage_id, s.configuration ->> 'version', s.is_test, x.file_id, x.submission_id, x.number
          FROM x JOIN submission s ON s.id = x.submission_id
    ), made AS (
        INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, parents, state)
        SELECT submission_id, number, 1, name, path, size, checksum, ARRAY[file_id], 'declared' FROM x
    )
    UPDATE submission s SET files_done = files_done + d.n, outputs_declared = outputs_declared + d.n
      FROM (SELECT submission_id, count(*) AS n FROM x GROUP BY submission_id) d WHERE s.id = d.submission_id
"""

Columns = Sequence[Sequence[Any]]


async def apply_floor(conn: Connection, jobs: Columns, files: Columns | None = None) -> None:
    """Run the statement, or both, in one transaction."""
    if files is None:
        await conn.execute(JOBS, *jobs)
        return
    async with conn.transaction():
        await conn.execute(JOBS, *jobs)
        await conn.execute(FILES, *files)
