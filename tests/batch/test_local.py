"""What only the local batch system does."""

import asyncio
import os
from pathlib import Path

import pytest

from batch import Absent, BatchRefused, Unknown
from batch.local import Local
from tests.batch.benches import Feed, LocalBench, until
from tests.batch.test_conformance import WAITS


@pytest.fixture
def bench(local: LocalBench) -> LocalBench:
    return local


async def test_without_its_folder_nothing_is_known_of_a_mark(tmp_path: Path) -> None:
    assert isinstance(await Local(tmp_path / "nowhere").find("m1"), Unknown)


async def test_health_tells_whether_a_runner_is_at_work(bench: LocalBench) -> None:
    before = await bench.system.health()
    assert not before.reachable
    assert "python -m batch.local" in before.text
    bench.start(slots=3)
    native_id = await bench.system.submit(bench.launch("m1", WAITS, 4))
    await bench.system.open(native_id)

    async def busy() -> bool:
        health = await bench.system.health()
        return (health.reachable, health.slots, health.running, health.queued) == (True, 3, 3, 1)

    await until(busy)
    bench.kill()
    assert not (await bench.system.health()).reachable


async def test_a_cluster_that_is_over_can_be_forgotten(bench: LocalBench, feed: Feed) -> None:
    bench.start()
    system = Local(bench.spool)
    native_id = await system.submit(bench.launch("m1", "exit 1"))
    with pytest.raises(BatchRefused):
        await system.forget(native_id)
    await system.open(native_id)
    await feed.until_over(native_id, [1])

    async def forgotten() -> bool:
        try:
            await system.forget(native_id)
        except BatchRefused:
            return False
        return True

    await until(forgotten)
    assert isinstance(await system.find("m1"), Absent)
    assert os.listdir(bench.spool / "local/scratch") == []
    assert await system.submit(bench.launch("m1", "exit 1")) != native_id


async def test_only_one_runner_has_a_folder(bench: LocalBench) -> None:
    first = bench.start()

    async def at_work() -> bool:
        return (await bench.system.health()).reachable

    await until(at_work)
    second = bench.start()
    assert await asyncio.to_thread(second.wait) == 1
    assert first.poll() is None
    bench.runner = first
