"""A cluster whose machine is in another time zone than ours."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.submissions.jobs import JobState
from tests.batch.batch_fixtures import CommittingFeed, wait_for_condition
from tests.batch.conftest import check_reachable
from tests.batch.slurm_fixture import SlurmFixture
from tests.batch.slurm_pool import SLURM, SlurmPool
from up import children


@pytest.fixture
def bench(service_home: Path) -> Iterator[SlurmFixture]:
    """It forgets within seconds, so that times are told by its file of completions."""
    check_reachable(SLURM)
    folder, zone = service_home / "slurm-zone", "<+0545>-5:45"
    pool = SlurmPool.start(folder, children.find_run_account(), min_job_age=2, zone=zone)
    with SlurmFixture.within(pool, service_home / "zoned") as made:
        yield made
    pool.stop()


async def test_times_are_right_whatever_the_zone_of_the_controller(bench: SlurmFixture) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    native_id = await bench.submit(bench.launch("m1", "echo x > 1.out; exit 0"))
    await bench.open(native_id)

    async def is_forgotten() -> bool:
        return not bench.pool.run("squeue", "-h", "--states=all").stdout

    await wait_for_condition(is_forgotten, within_s=90)
    feed = CommittingFeed(bench.system)
    assert (await feed.until_over(native_id, [1]))[1] is JobState.SUCCEEDED
    assert len(feed.events) == 3
    assert all(before < event.at < datetime.now(UTC) for event in feed.events)
