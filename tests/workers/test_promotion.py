"""Every stage's waiting launches have their turn, however many stages wait, by priority and age."""

import pytest

from db.launching import queue
from db.pool import Pool
from tests.resolvers.submission_factory import SubmissionFactory
from tests.worker_tools import make_worker_tools
from workers import sweep

STAGES = """
    INSERT INTO stage (experiment_id, campaign_id, name, kind, job_type_id, login_setup_id, jobs_per_slice)
    SELECT experiment_id, campaign_id, 'many' || n, kind, job_type_id, login_setup_id, 1
      FROM stage, generate_series(1, $2::int) n WHERE id = $1
    RETURNING id
"""


async def list_columns(db: Pool, table: str) -> str:
    return str(await db.fetchval(
        "SELECT string_agg(column_name, ', ' ORDER BY ordinal_position) FROM information_schema.columns"
        " WHERE table_name = $1 AND table_schema = 'public' AND column_name <> 'id'"
        " AND is_generated = 'NEVER'", table))  # fmt: skip


async def make_many_stages(db: Pool, work: SubmissionFactory, stages: int) -> list[int]:
    """Stages with a launch that waits each, copied from one that is real."""
    ids = [row["id"] for row in await db.fetch(STAGES, work.gen, stages)]
    first = await work.submission(work.gen)
    slice_columns = await list_columns(db, "slice")
    said = slice_columns.replace("stage_id", "x.stage_id", 1)
    await db.execute(
        f"INSERT INTO slice ({slice_columns}) SELECT {said} FROM slice s,"
        " (SELECT unnest($2::bigint[]) AS stage_id) x WHERE s.id = $1",
        first.slice_id, ids,
    )  # fmt: skip
    names = await list_columns(db, "submission")
    swaps = {"stage_id": "x.stage_id", "slice_id": "x.id", "state": "'queued'", "counted": "false"}
    said = ", ".join(swaps.get(name, f"s.{name}") for name in names.split(", "))
    await db.execute(
        f"INSERT INTO submission ({names}) SELECT {said} FROM submission s, slice x"
        " WHERE s.id = $1 AND x.stage_id = ANY($2)",
        first.id, ids,
    )  # fmt: skip
    return ids


@pytest.fixture
async def work(db: Pool) -> SubmissionFactory:
    return await SubmissionFactory.make(db)


async def test_the_first_turn_is_found_whatever_the_number_of_stages_that_wait(
    db: Pool, work: SubmissionFactory
) -> None:
    ids = await make_many_stages(db, work, queue.PAGE + 200)
    first = [ids[-1], ids[queue.PAGE // 2], ids[queue.PAGE]]
    for priority, id in zip((30, 20, 10), first, strict=True):
        await db.execute("UPDATE submission SET priority = $2 WHERE stage_id = $1", id, priority)
    await db.execute("UPDATE campaign SET most_unfinished = 4")  # one is under way
    began: list[int] = []

    async def enqueue(_: str, submission_id: int, __: int) -> None:
        began.append(submission_id)

    assert await sweep.promote_launches(make_worker_tools(db, enqueue=enqueue))
    rows = await db.fetch("SELECT id, stage_id FROM submission WHERE id = ANY($1)", began)
    stages = {row["id"]: row["stage_id"] for row in rows}
    assert [stages[id] for id in began] == first
    assert not await sweep.promote_launches(make_worker_tools(db))


async def test_all_begin_where_nothing_is_in_the_way_some_in_each_step(
    db: Pool, work: SubmissionFactory
) -> None:
    number = sweep.MOST_BEGUN + 20
    await make_many_stages(db, work, number)
    tools, steps = make_worker_tools(db), 0
    while await sweep.promote_launches(tools):
        steps += 1
    assert steps == 2
    assert await db.fetchval("SELECT count(*) FROM submission WHERE state = 'queued'") == 0
    assert await db.fetchval("SELECT sum(unfinished) FROM stage") == number + 1
