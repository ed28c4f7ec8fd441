"""What only the local batch system does."""

import asyncio
import os
from pathlib import Path

import pytest

from batch import BatchRefused, MarkAbsent, MarkUnknown
from batch.local import LocalBatchSystem
from tests.batch.batch_fixtures import CommittingFeed, LocalFixture, wait_for_condition
from tests.batch.test_conformance import WAITS


@pytest.fixture
def bench(local: LocalFixture) -> LocalFixture:
    return local


async def test_without_its_folder_nothing_is_known_of_a_mark(tmp_path: Path) -> None:
    assert isinstance(await LocalBatchSystem(tmp_path / "nowhere").find("m1"), MarkUnknown)


async def test_health_tells_whether_a_runner_is_at_work(bench: LocalFixture) -> None:
    before = await bench.system.health()
    assert not before.reachable
    assert "python -m batch.local" in before.text
    bench.start(slots=3)
    native_id = await bench.submit(bench.launch("m1", WAITS, 4))
    await bench.open(native_id)

    async def busy() -> bool:
        health = await bench.system.health()
        return (health.reachable, health.slots, health.running, health.queued) == (True, 3, 3, 1)

    await wait_for_condition(busy)
    bench.kill()
    assert not (await bench.system.health()).reachable


async def test_a_cluster_that_is_over_can_be_forgotten(
    bench: LocalFixture, feed: CommittingFeed
) -> None:
    bench.start()
    system = LocalBatchSystem(bench.spool)
    native_id = await bench.submit(bench.launch("m1", "exit 1"))
    with pytest.raises(BatchRefused):
        await system.forget(native_id)
    await bench.open(native_id)
    await feed.until_over(native_id, [1])

    async def forgotten() -> bool:
        try:
            await system.forget(native_id)
        except BatchRefused:
            return False
        return True

    await wait_for_condition(forgotten)
    assert isinstance(await system.find("m1"), MarkAbsent)
    assert os.listdir(bench.spool / "local/scratch") == []
    assert await system.submit(bench.launch("m1", "exit 1")) != native_id


async def test_only_one_runner_has_a_folder(bench: LocalFixture) -> None:
    first = bench.start()

    async def at_work() -> bool:
        return (await bench.system.health()).reachable

    await wait_for_condition(at_work)
    second = bench.start()
    assert await asyncio.to_thread(second.wait) == 1
    assert first.poll() is None
    bench.runner = first
