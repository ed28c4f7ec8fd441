"""Planning a recovery over a million files with a hundred thousand failures, against the bare statement."""

import time
from collections.abc import Awaitable, Callable

import asyncpg

from bench.machines import BenchMachines
from bench.planted import PlantedRows
from bench.ratios import RatioLine
from db.pool import Pool, teach_types
from db.recovery import recoveries
from domain.setup.recovery_rules import RecoveryRule

FILES, PER_JOB, EVERY, ROUNDS = 1_000_000, 10, 10, 5
WITHIN_S = 5.0
ENDED = f"""
    UPDATE input_file SET delivery = 'consumed',
           outcome = CASE WHEN file_id % {EVERY} = 0 THEN 'failed' ELSE 'done' END::outcome
"""
DONE = """
    INSERT INTO processed_file (stage_id, version, is_test, file_id, submission_id, number)
    SELECT s.stage_id, '', false, i.file_id, s.id, i.number
      FROM submission s JOIN input_file i ON i.submission_id = s.id WHERE i.outcome = 'done'
"""

# All that cannot be left out: read the files, count those that are not done, weigh them, and name them by one hash.
BARE = """
    WITH taken AS MATERIALIZED (
        SELECT number, file_id FROM input_file WHERE submission_id = $1 AND outcome <> 'done'
    )
    SELECT (SELECT count(*) FROM input_file WHERE submission_id = $1),
           (SELECT count(DISTINCT number) FROM taken),
           (SELECT sum(f.size) FROM taken JOIN file f ON f.id = taken.file_id),
           (SELECT sha256(string_agg(int4send(number) || int8send(file_id), '' ORDER BY number, file_id)) FROM taken)
"""


async def run_benchmark(machines: BenchMachines) -> list[RatioLine]:
    """Plans per second of both, in turns."""
    url = await machines.database()
    async with asyncpg.create_pool(url, init=teach_types, command_timeout=600) as db:
        planted = await PlantedRows.make(db)
        stage = await planted.reco(FILES, FILES)
        await db.execute("UPDATE stage SET files_per_job = $1", PER_JOB)
        submission = await planted.submission(stage)
        await end_files(db)
        ready = await recoveries.prepare_recovery(db, [submission], RecoveryRule("consumed_status"))
        assert isinstance(ready, recoveries.PreparedRecovery), ready

        async def ours() -> None:
            plan = await recoveries.plan_recovery(db, ready)
            assert (plan.files_taken, plan.everything) == (FILES // EVERY, FILES)

        async def bare() -> None:
            await db.fetchrow(BARE, submission.id)

        found = [(await measure_seconds(ours), await measure_seconds(bare)) for _ in range(ROUNDS)]
    slowest = max(mine for mine, _ in found)
    assert slowest < WITHIN_S, f"a plan took {slowest:.1f} s"
    return [
        RatioLine(
            f"planning a recovery of {FILES // EVERY:,} of {FILES:,} files",
            [60 / mine for mine, _ in found],
            [60 / peer for _, peer in found],
            "plans/minute",
            note=f"the slowest plan took {slowest:.2f} s",
        )
    ]


OVER = (
    "UPDATE submission SET state = 'submitting'",
    "UPDATE submission SET state = 'completed', ended_at = now()",
)


async def end_files(db: Pool) -> None:
    """A tenth of the files failed, and the rest is done."""
    for sql in (ENDED, DONE, "DELETE FROM live_file", *OVER):
        await db.execute(sql)
    await db.execute("VACUUM ANALYZE")


async def measure_seconds(work: Callable[[], Awaitable[None]]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began
