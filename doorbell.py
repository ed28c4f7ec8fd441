"""The doorbell and the queue on Redis: they say that something happened, never what, and may be lost."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from arq.connections import ArqRedis
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = logging.getLogger("doorbell")

CHANNEL = "poms:changes"
RING_S = 0.2
AWAY_S = (0.1, 5.0)


async def ring(redis: Redis) -> None:
    """Say that something was committed. It is bounded, never raises, and may be lost."""
    with suppress(RedisError, OSError, TimeoutError):
        async with asyncio.timeout(RING_S):
            await redis.publish(CHANNEL, b"")


async def enqueue(redis: ArqRedis, function: str, submission_id: int, attempt: int) -> None:
    """Hand the next step of a submission to a worker. What gets lost, the sweep finds."""
    name = f"{function}:{submission_id}:{attempt}"
    try:
        async with asyncio.timeout(RING_S):
            await redis.enqueue_job(function, submission_id, attempt, _job_id=name)
    except (RedisError, OSError, TimeoutError) as error:
        log.info("%s is left to the sweep: %r", name, error)


async def hear(redis: Redis, rung: Callable[[], object]) -> None:
    """Call `rung` at each ring, for ever; comes back whenever Redis does."""
    wait, most = AWAY_S
    while True:
        try:
            async with redis.pubsub(ignore_subscribe_messages=True) as bell:
                await bell.subscribe(CHANNEL)
                rung()
                async for _ in bell.listen():
                    wait = AWAY_S[0]
                    rung()
        except (RedisError, OSError, TimeoutError) as error:
            log.info("no doorbell for now: %r", error)
        await asyncio.sleep(wait)
        wait = min(wait * 2, most)
