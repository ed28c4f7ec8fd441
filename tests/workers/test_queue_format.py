"""What lies in the queue is data: whoever can write to Redis can't have workers run anything by it."""

import asyncio
import json
import logging
import pickle
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from arq.connections import ArqRedis
from arq.constants import default_queue_name, job_key_prefix

import doorbell
from workers.__main__ import serve_arq
from workers.launcher import WorkerLauncher
from workers.tools import WorkerTools

OURS: dict[str, Any] = {"t": None, "f": "launch", "a": [1, 1], "k": {}, "et": 0}


class Touch:
    """What makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


class HandedOver(asyncio.Queue[int]):
    """Where a worker's launcher would be: what it is handed over."""

    async def hand_over(self, _: WorkerTools, submission_id: int) -> None:
        await self.put(submission_id)


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[ArqRedis]:
    redis = doorbell.open_queue(redis_url)
    yield redis
    await redis.aclose(close_connection_pool=True)


async def put_job(queue: ArqRedis, name: str, job: bytes) -> None:
    await queue.set(job_key_prefix + name, job)
    await queue.zadd(default_queue_name, {name: 1})


@pytest.mark.timeout(60)
async def test_what_is_no_job_of_ours_is_dropped_and_stops_nobody(
    queue: ArqRedis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ran = tmp_path / "ran"
    hostile = {
        "pickled": pickle.dumps(Touch(ran)),
        "pickled-job": pickle.dumps({**OURS, "a": (Touch(ran), 1)}),
        "nothing": b"\xff",
        "deep": b"[" * 100_000,
        "list": b"[]",
        "late": json.dumps({**OURS, "et": 10**4000}).encode(),
        "early": json.dumps({**OURS, "et": -1}).encode(),
        "timeless": json.dumps({**OURS, "et": "now"}).encode(),
        "tried": json.dumps({**OURS, "t": "1"}).encode(),
        "named": json.dumps({**OURS, "k": {"x": 1}}).encode(),
        "no-function": json.dumps({**OURS, "f": ["launch"]}).encode(),
    }
    for name, job in hostile.items():
        await put_job(queue, name, job)
    await put_job(queue, "other-function", json.dumps({**OURS, "f": "other"}).encode())
    handed_over = HandedOver()
    with caplog.at_level(logging.WARNING, "arq"):
        serving = asyncio.create_task(
            serve_arq(cast(WorkerTools, None), cast(WorkerLauncher, handed_over), queue)
        )
        while await queue.zcard(default_queue_name):
            assert not serving.done()
            await asyncio.sleep(0.01)
        await doorbell.enqueue_job(queue, "launch", 7, 1)
        assert await handed_over.get() == 7
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert not ran.exists()
    for name in hostile:
        assert f"deserializing job {name} failed" in caplog.text
    assert "Redis can't be used" not in caplog.text
    assert handed_over.empty()


async def test_jobs_lie_in_the_queue_as_json(queue: ArqRedis) -> None:
    await doorbell.enqueue_job(queue, "launch", 7, 2)
    text = await queue.get(job_key_prefix + "launch:7:2")
    assert json.loads(text) == {**OURS, "a": [7, 2], "et": json.loads(text)["et"]}
    assert doorbell.decode_job(text)["a"] == [7, 2]
