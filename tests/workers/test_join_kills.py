"""A stage that joins, run for real, with workers that die while its parents come."""

import asyncio
import signal

import pytest

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from tests.factories import Factory
from tests.workers.house import House, wait_until

INPUTS = """
    SELECT array_agg(f.name ORDER BY f.name) AS names
      FROM submission s JOIN input_file i ON i.submission_id = s.id JOIN file f ON f.id = i.file_id
     WHERE s.stage_id = $1 GROUP BY s.id ORDER BY 1
"""
LOCATED = "SELECT count(*) FROM submission WHERE stage_id = $1 AND state = 'located'"
JOINS = "UPDATE dependency SET trigger = 'join' WHERE downstream_id = $1"


@pytest.mark.parametrize(
    "point", ["dependents.fire.before", "dependents.fire.after", "advance.settle.after"]
)
async def test_two_of_each_parent_are_two_joined_whoever_dies(
    house: House, plant: Factory, point: str
) -> None:
    raw = await plant.dataset("raw")
    await plant.files(raw, house.store / "raw", {f"f{n}": f"{n}\n" for n in range(4)})
    parents = [
        await plant.stage(
            name, house.job(name), dataset_id=raw, split="nfiles(2)", files_per_job=2, patterns=[f"{name}_*"]
        )
        for name in "ab"
    ]  # fmt: skip
    into = await plant.dataset("into")
    merge = await plant.stage(
        "m", house.job("m"), dataset_id=into, split="joined", files_per_job=9, patterns=["m_*"]
    )
    for parent in parents:
        await plant.edge(parent, merge, ["%_f%"])
    await plant.db.execute(JOINS, merge)
    house.runner()
    for parent in (*parents, *parents):
        assert (
            await slices.launch_next(plant.db, parent, LaunchRequest(plant.person_id))
        ).submission
    worker = house.worker(point)
    async with asyncio.timeout(60):
        while worker.poll() is None:
            await asyncio.sleep(0.02)
    assert worker.returncode == -signal.SIGKILL, house.read_logs()
    house.worker()

    async def joined() -> bool:
        return bool(await plant.db.fetchval(LOCATED, merge) == 2)

    await wait_until(joined, "both joined submissions", house)
    found = [row["names"] for row in await plant.db.fetch(INPUTS, merge)]
    assert found == [["a_f0", "b_f0"], ["a_f2", "b_f2"]]
    assert await plant.db.fetchval("SELECT count(*) FROM joined") == 2
