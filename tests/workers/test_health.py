"""A batch system that is slow to say how it is delays nothing else."""

import asyncio
from pathlib import Path

import pytest

from batch import Health
from batch.local import Local
from db.pool import Pool
from tests.plant import Plant
from tests.workers.campaigns import two
from tests.workers.house import House, until
from workers import health


class Silent(Local):
    """The local batch system, whose answer to how it is never comes."""

    async def health(self) -> Health:
        await asyncio.Event().wait()
        raise AssertionError


async def test_an_answer_that_does_not_come_is_waited_for_a_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "WITHIN_S", 0.05)
    found = await health._health(Silent(tmp_path))
    assert (found.reachable, found.text) == (False, "no answer within 0 s")


async def test_a_runner_that_stops_is_seen_and_its_feed_is_read_all_the_same(
    house: House, plant: Plant, db: Pool
) -> None:
    campaign = await two(house, plant)
    await campaign.launch()
    runner = house.runner()
    house.worker()
    await until(campaign.done, "the campaign's end", house)
    reachable = "SELECT reachable FROM batch_system WHERE name = 'local'"
    await until(lambda: db.fetchval(reachable), "the runner that is reachable", house)
    runner.terminate()
    runner.wait()
    gone = "SELECT NOT reachable AND health->>'text' ^@ 'no runner' FROM batch_system"
    await until(lambda: db.fetchval(gone), "the runner that is gone", house)
    read = "SELECT read_at > (SELECT since FROM batch_system) AND event_at IS NOT NULL FROM watch"
    await until(lambda: db.fetchval(read), "a feed that is read on", house)
