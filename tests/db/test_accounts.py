"""The account of what is done is what a recount of the input rows gives, whatever happens to launches."""

from dataclasses import replace
from pathlib import Path

import asyncpg
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from db.launching import slices, split_positions
from db.launching.slice_claims import LaunchRequest
from db.migrate import apply_migrations
from db.pool import Connection, Pool, open_pool
from db.recovery import recoveries
from db.recovery.recoveries import PreparedRecovery
from db.submissions import (
    accounts,
    input_files,
    job_driven_transitions,
    jobs,
    progress,
    recovery_chain,
    waivers,
)
from db.submissions.waivers import WaiverScope
from domain.changes import ServicePart, make_service_actor
from domain.launching.split_positions import SplitPosition
from domain.setup.recovery_rules import RecoveryRule
from domain.submissions.jobs import JobState
from domain.submissions.news import InputNews, JobNews
from domain.submissions.submissions import LIVE, SubmissionState
from tests.account_checks import expect_account_is_recount
from tests.db.older_databases import make_older_database
from tests.db.test_splits import teach_json
from tests.factories import Factory
from tests.forced_states import force_state

LIGHT = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
EMPTY = """
    TRUNCATE experiment, person, submission, stage, file, stage_input, live_file, processed_file, input_file, work_unit,
             job, passed_input, stage_progress, stage_progress_delta RESTART IDENTITY CASCADE
"""


async def make_stages(plant: Factory) -> list[int]:
    """Slices that never overlap, the same files again and again, and a generator."""
    raw = await plant.dataset("raw")
    await plant.rows(raw, 7)
    given = {"dataset_id": raw, "files_per_job": 2}
    return [
        await plant.stage("slices", ["true"], split="nfiles(3)", **given),
        await plant.stage("again", ["true"], split="draining", **given),
        await plant.stage("made", ["true"], kind="generator", jobs_per_slice=3),
    ]


async def list_submissions(db: Pool, where: str) -> list[int]:
    return [
        row[0] for row in await db.fetch(f"SELECT id FROM submission WHERE {where} ORDER BY id")
    ]


class History:
    """What may happen, each by the statements that do it in the house."""

    def __init__(self, plant: Factory, stages: list[int]) -> None:
        self.plant, self.db, self.stages = plant, plant.db, stages

    async def launch(self, which: int, dice: int) -> None:
        asked = LaunchRequest(self.plant.person_id, is_test=dice % 5 == 0)
        await slices.launch_next(self.db, self.stages[which % 3], asked)

    async def run(self, which: int, dice: int) -> None:
        if id := await self._choose("state IN ('queued', 'new', 'idle')", which):
            await force_state(self.db, "idle" if dice % 2 else "running", "id = $1", id)

    async def end(self, which: int, dice: int) -> None:
        """End some jobs, or all: well, badly, or without a word of their files."""
        if id := await self._choose("state IN ('idle', 'running')", which):
            async with self.db.acquire() as conn, conn.transaction():
                await self._end_jobs(conn, id, dice)

    async def _end_jobs(self, conn: Connection, id: int, dice: int) -> None:
        numbers = [
            row[0]
            for row in await conn.fetch("SELECT number FROM job WHERE submission_id = $1", id)
        ]
        ended = {n: dice >> n & 1 for n in numbers if dice % 3 or n % 2}
        await job_driven_transitions.lock_submissions(conn, [id])
        news = [
            JobNews(id, n, 1, JobState.SUCCEEDED if good else JobState.FAILED, n + dice)
            for n, good in ended.items()
        ]
        moved = await jobs.apply_news(conn, news, news)
        good_jobs = [key for key in sorted(moved) if ended[key[1]]]
        bad_jobs = [(*key, "exit") for key in sorted(moved) if not ended[key[1]]]
        if good_jobs:
            fates = await input_files.list_by_jobs(conn, good_jobs)
            failed = [
                replace(n, outcome="failed") if k % 3 == dice % 3 else n
                for k, n in enumerate(fates)
            ]
            if failed:
                await input_files.apply_fates(conn, failed)
        if bad_jobs:
            await input_files.fail_unreported(conn, bad_jobs)
        await job_driven_transitions.apply_job_states(conn, [id], ServicePart.WATCH)

    async def hear_late(self, which: int, dice: int) -> None:
        """Be told of files after all was over, as by a catalog: before it is decided what follows."""
        if id := await self._choose("ended_at IS NOT NULL AND advanced_at IS NULL", which):
            async with self.db.acquire() as conn, conn.transaction():
                await job_driven_transitions.lock_submissions(conn, [id])
                rows = await conn.fetch(UNTOLD, id, 1 + dice % 2)
                if told := [InputNews(id, r[0], r[1], "consumed", "done", None) for r in rows]:
                    await input_files.apply_fates(conn, told)

    async def cancel(self, which: int, _: int) -> None:
        if id := await self._choose("ended_at IS NULL", which):
            async with self.db.acquire() as conn, conn.transaction():
                await job_driven_transitions.discard_launch(
                    conn,
                    id,
                    list(LIVE),
                    SubmissionState.CANCELLED,
                    make_service_actor(ServicePart.LAUNCH),
                )

    async def advance(self, which: int, _: int) -> None:
        if id := await self._choose("ended_at IS NOT NULL", which):
            async with self.db.acquire() as conn, conn.transaction():
                await recovery_chain.lock_members(conn, id)
                await recovery_chain.mark_advanced(conn, id, advanced=True, check_in_s=None)

    async def recover(self, which: int, dice: int) -> None:
        if not (id := await self._choose("origin_id IS NULL", which)):
            return
        kind = ("consumed_status", "failed", "all")[dice % 3]
        async with self.db.acquire() as conn, conn.transaction():
            family = await recovery_chain.lock_members(conn, id)
            if any(member.state.is_live for member in family):
                return
            ready = await recoveries.prepare_recovery(conn, family, RecoveryRule(kind))
            assert isinstance(ready, PreparedRecovery)
            await recoveries.launch_recovery(conn, ready, None, self.plant.person_id)

    async def waive(self, which: int, dice: int) -> None:
        scope = WaiverScope(stage_id=self.stages[which % 3])
        if dice % 2 and (id := await self._choose("origin_id IS NULL", which)):
            scope = WaiverScope(origin_id=id)
        files = [1 + dice % 7, 2] if dice % 3 == 0 else None
        async with self.db.acquire() as conn, conn.transaction():
            await waivers.waive_inputs(conn, scope, files, "no need", self.plant.person_id)

    async def reset(self, which: int, _: int) -> None:
        id = self.stages[which % 3]
        row = await self.db.fetchrow("SELECT epoch, split_seq FROM stage WHERE id = $1", id)
        assert row is not None
        place = SplitPosition(row["epoch"] + 1, 0)
        await split_positions.move_position(
            self.db, id, row["split_seq"], place, ("", self.plant.person_id), is_test=False
        )

    async def fold(self, _: int, dice: int) -> None:
        await (accounts.fold_passed_inputs if dice % 2 else progress.fold_progress)(self.db, 3)

    async def _choose(self, where: str, which: int) -> int | None:
        ids = await list_submissions(self.db, where)
        return ids[which % len(ids)] if ids else None


UNTOLD = """
    SELECT number, file_id FROM input_file WHERE submission_id = $1 AND outcome = 'none' ORDER BY file_id LIMIT $2
"""
ACTS = (
    "hear_late",
    "launch",
    "launch",
    "run",
    "end",
    "end",
    "advance",
    "recover",
    "waive",
    "reset",
    "cancel",
    "fold",
)
STEP = st.tuples(st.sampled_from(ACTS), st.integers(0, 11), st.integers(0, 1000))
LATE = [("launch", 1, 1), ("run", 0, 1), ("end", 0, 1), ("advance", 0, 0)]


@LIGHT
@given(st.lists(STEP, max_size=30))
@example([*LATE, ("waive", 1, 2), ("launch", 1, 1), ("fold", 0, 1), ("run", 0, 0), ("end", 0, 31)])
@example(
    [
        *LATE,
        ("recover", 0, 0),
        ("cancel", 0, 0),
        ("reset", 1, 0),
        ("launch", 1, 1),
        ("cancel", 0, 0),
        ("recover", 0, 0),
    ]
)
@example(
    [
        ("launch", 1, 1),
        ("cancel", 0, 0),
        ("reset", 1, 0),
        ("launch", 1, 1),
        ("hear_late", 0, 0),
        ("fold", 0, 1),
    ]
)
async def test_the_account_is_what_counting_the_inputs_gives(
    db: Pool, steps: list[tuple[str, int, int]]
) -> None:
    await db.execute(EMPTY)
    plant = await Factory.make(db)
    stages = await make_stages(plant)
    history = History(plant, stages)
    for act, which, dice in steps:
        await getattr(history, act)(which, dice)
        await expect_account_is_recount(plant.db)
    while await accounts.fold_passed_inputs(db, 3) or await progress.fold_progress(db, 3):
        pass
    await expect_account_is_recount(plant.db)


# Of four files one was done, two by the recovery; of a generator's three units one, and the recovery goes on.
OLDER = """
    WITH s AS (
        INSERT INTO slice (stage_id, epoch, number, cursor) SELECT id, 1, 1, '0' FROM stage RETURNING id, stage_id
    ), origin AS (
        INSERT INTO submission (experiment_id, campaign_id, stage_id, slice_id, campaign_revision, state, created_by,
                                batch_system, configuration, counted, jobs, jobs_succeeded, jobs_failed, files,
                                files_done, files_failed, ended_at, advanced_at)
        SELECT g.experiment_id, campaign_id, g.id, s.id, 1, 'completed', $1, 'local', '{}', false, 3, 1, 2,
               x.files, x.done, x.failed, now(), now()
          FROM s JOIN stage g ON g.id = s.stage_id
          JOIN (VALUES ('files', 4, 1, 3), ('units', 0, 0, 0)) x (name, files, done, failed) USING (name)
         ORDER BY g.id
        RETURNING *
    )
    INSERT INTO submission (experiment_id, campaign_id, stage_id, slice_id, campaign_revision, state, created_by,
                            batch_system, configuration, counted, jobs, jobs_succeeded, jobs_idle, files, files_done,
                            ended_at, advanced_at, origin_id, recovery_position, round)
    SELECT experiment_id, campaign_id, stage_id, slice_id, 1,
           CASE WHEN files > 0 THEN 'completed' ELSE 'idle' END::submission_state, $1, 'local', '{}', false, 2,
           CASE WHEN files > 0 THEN 2 ELSE 0 END, CASE WHEN files > 0 THEN 0 ELSE 2 END, files / 2, files / 2,
           CASE WHEN files > 0 THEN now() END, CASE WHEN files > 0 THEN now() END, id, 0, 0
      FROM origin ORDER BY id
"""
OLDER_INPUTS = """
    INSERT INTO input_file (submission_id, number, file_id, outcome) VALUES
        (1, 1, 1, 'done'), (1, 2, 2, 'failed'), (1, 2, 3, 'failed'), (1, 3, 4, 'failed'), (3, 1, 2, 'done'),
        (3, 2, 3, 'done')
"""
OLDER_UNITS = """
    INSERT INTO work_unit (submission_id, number, index, first_submission_id, first_number)
    VALUES (2, 1, 0, 2, 1), (2, 2, 1, 2, 2), (2, 3, 2, 2, 3), (4, 1, 1, 2, 2), (4, 2, 2, 2, 3)
"""
OLDER_JOBS = """
    INSERT INTO job (submission_id, number, state)
    VALUES (2, 1, 'succeeded'), (2, 2, 'failed'), (2, 3, 'failed'), (4, 1, 'idle'), (4, 2, 'idle')
"""


async def test_what_was_there_before_has_its_account_by_the_migration(
    empty_database_url: str, tmp_path: Path
) -> None:
    await make_older_database(empty_database_url, tmp_path, before="0054")
    pool = await asyncpg.create_pool(empty_database_url, init=teach_json)
    plant = await Factory.make(pool)
    stages = [await plant.stage(name, ["true"], kind="generator") for name in ("files", "units")]
    await pool.execute(OLDER, plant.person_id)
    for rows in (OLDER_INPUTS, OLDER_UNITS, OLDER_JOBS):
        await pool.execute(rows)
    await pool.close()
    await apply_migrations(empty_database_url)
    plant.db = await open_pool(empty_database_url)
    await expect_account_is_recount(plant.db)
    files, units = await accounts.list_by_stages(plant.db, stages, False)
    assert (files.inputs_given, files.inputs_done, files.inputs_lost) == (4, 3, 1)
    assert (units.inputs_given, units.inputs_done, units.inputs_waiting) == (3, 1, 2)
    assert await progress.recount_progress(empty_database_url) == []
    await plant.db.close()
