"""A batch system that is slow to say how it is delays nothing else."""

import threading
from pathlib import Path

import pytest

from batch import calls
from batch.local import LocalBatchSystem
from db.pool import Pool
from tests.factories import Factory
from tests.workers.campaigns import make_two_stage_campaign
from tests.workers.house import House, wait_until


async def test_an_answer_that_does_not_come_is_waited_for_a_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "HEALTH_S", 0.05)
    silent, over = LocalBatchSystem(tmp_path), threading.Event()
    monkeypatch.setattr(silent, "_health", over.wait)
    found = await silent.health()
    over.set()
    assert not found.reachable
    assert "no answer within 0.05 s" in found.text


async def test_a_runner_that_stops_is_seen_and_its_feed_is_read_all_the_same(
    house: House, plant: Factory, db: Pool
) -> None:
    campaign = await make_two_stage_campaign(house, plant)
    await campaign.launch()
    runner = house.runner()
    house.worker()
    await wait_until(campaign.is_done, "the campaign's end", house)
    reachable = "SELECT reachable FROM batch_system WHERE name = 'local'"
    await wait_until(lambda: db.fetchval(reachable), "the runner that is reachable", house)
    runner.terminate()
    runner.wait()
    gone = "SELECT NOT reachable AND health->>'text' ^@ 'no runner' FROM batch_system"
    await wait_until(lambda: db.fetchval(gone), "the runner that is gone", house)
    read = "SELECT read_at > (SELECT since FROM batch_system) AND event_at IS NOT NULL FROM watch"
    await wait_until(lambda: db.fetchval(read), "a feed that is read on", house)
