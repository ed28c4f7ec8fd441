"""Reports that are too large together, or of which one is refused, are told by halves."""

import json
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from tests.factories import Factory
from tests.hostile_reports import REFUSED, Report
from tests.workers.house import House, wait_until


def change_output(**change: Any) -> Callable[[Report], Any]:
    return lambda report: {**report, "outputs": [report["outputs"][0] | change]}


async def launch_stage(plant: Factory, stage: int) -> int:
    outcome = await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id))
    assert outcome.submission is not None, outcome.why
    return outcome.submission.id


async def run_alone(house: House, plant: Factory, id: int, jobs: int) -> Path:
    """The launch directory of a submission whose jobs all ended while no worker lived."""
    worker = house.worker("launch.conclude.after")
    house.runner()

    async def reports() -> list[Path]:
        found = house.spool.glob(f"launches/*-{id}-1/reports/*.json")
        return [*found] if worker.poll() == -signal.SIGKILL else []

    async def all_ended() -> bool:
        return len(await reports()) == jobs

    await wait_until(all_ended, "the reports", house)
    return (await reports())[0].parents[1]


def forge_report(directory: Path, number: int, change: Callable[[Report], Any]) -> None:
    path = directory / f"reports/{number}.1.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


async def check_other_goes_on(house: House, db: Pool) -> None:
    """Another experiment launches, and is located."""
    other = await Factory.make(db, "other", "theirs")
    stage = await other.stage("gen", house.job("gen"), kind="generator", patterns=["gen_*"])
    for number in range(1, 3):
        await launch_stage(other, stage)
        located = (
            f"SELECT count(*) = {number} FROM submission WHERE stage_id = $1 AND state = 'located'"
        )
        await wait_until(
            partial(db.fetchval, located, stage), "the other experiment's launch", house
        )


async def wait_for_end(house: House, id: int, within: float = 60) -> None:
    over = "SELECT advanced_at IS NOT NULL FROM submission WHERE id = $1"
    await wait_until(
        partial(house.db.fetchval, over, id), "the end of the submission", house, within
    )


@pytest.mark.timeout(300)
async def test_legal_reports_that_are_too_large_together_are_all_told(
    house: House, plant: Factory
) -> None:
    """75 jobs of 3.7 MB metadata end while no worker lives: over the 256 MB of one jsonb."""
    stage = await plant.stage(
        "gen", house.job("gen"), kind="generator", jobs_per_slice=75, patterns=["gen_*"]
    )
    id = await launch_stage(plant, stage)
    directory = await run_alone(house, plant, id, 75)
    for number in range(1, 76):
        forge_report(directory, number, change_output(metadata={"text": "x" * 3_700_000}))
    house.worker()
    await wait_for_end(house, id, within=200)
    await check_other_goes_on(house, house.db)
    row = await house.db.fetchrow("SELECT state, outputs_located FROM submission WHERE id = $1", id)
    assert tuple(row or ()) == ("located", 75)
    sizes = "SELECT count(*), min(length(metadata ->> 'text')) FROM output_file WHERE submission_id = $1"
    assert tuple(await house.db.fetchrow(sizes, id) or ()) == (75, 3_700_000)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("point", ["watch.commit.before", "watch.commit.after"])
async def test_a_watcher_that_dies_between_the_parts_of_a_batch_changes_nothing(
    house: House, plant: Factory, point: str
) -> None:
    """One part is refused, and many are committed before the place moves; each worker dies in its first commit."""
    stage = await plant.stage(
        "gen", house.job("gen"), kind="generator", jobs_per_slice=8, patterns=["gen_*"]
    )
    id = await launch_stage(plant, stage)
    directory = await run_alone(house, plant, id, 8)
    for number in range(1, 9):
        forge_report(directory, number, change_output(metadata={"text": "x" * 5_000_000}))
    forge_report(directory, 3, change_output(checksum="refused"))
    await house.db.execute(REFUSED)
    for _ in range(4):
        dying = house.worker(point)

        async def dead(process: Any = dying) -> bool:
            return bool(process.poll() == -signal.SIGKILL)

        await wait_until(dead, "the death of a worker", house)
    house.worker()
    await wait_for_end(house, id)
    rows = await house.db.fetch(
        "SELECT number FROM job WHERE state = 'failed' AND reason = 'bad_report'"
    )
    assert [r["number"] for r in rows] == [3]
    counted = await house.db.fetchrow(
        "SELECT jobs_succeeded, jobs_failed, outputs_located, outputs_declared FROM submission"
    )
    assert tuple(counted or ()) == (7, 1, 7, 0)
    filed = await house.db.fetch("SELECT kind, jobs FROM discrepancy")
    assert [tuple(row) for row in filed] == [("unreadable_report", 1)]
