"""The doorbell and the queue on Redis: they say that something happened, never what, and may be lost."""

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import RedisError

log = logging.getLogger("doorbell")

CHANNEL = "poms:changes"
RING_S = 0.2
AWAY_S = (0.1, 5.0)
EARLY_S = 3600
"""So far back jobs are dated: arq takes none that is later than the taker's own clock, which may be behind."""
CONNECT_S = 1.0
LATEST_MS = 2**47
"""Beyond it arq can't tell what time it is, and would end."""


def encode_job(job: dict[str, Any]) -> bytes:
    """A job as it lies in the queue."""
    return json.dumps(job).encode()


def decode_job(text: bytes) -> dict[str, Any]:
    """A job from the queue; raises ValueError where it is none of ours, so that arq drops it and goes on."""
    job = json.loads(text)
    match job:
        case {"f": str(), "a": list(), "k": {**named}, "t": None, "et": int(at), **others}:
            if not named and not others and 0 <= at < LATEST_MS:
                return {**job}
    raise ValueError("This is no job of ours.")


def open_queue(url: str) -> ArqRedis:
    """A client for the doorbell and the queue; it connects when it is first used.

    Clients and workers of arq unpickle what they find unless told otherwise: who writes to Redis could run anything.
    """
    pool = ConnectionPool.from_url(url, socket_connect_timeout=CONNECT_S)
    return ArqRedis(pool, job_serializer=encode_job, job_deserializer=decode_job)


async def ring_bell(redis: Redis) -> None:
    """Say that something was committed. It is bounded, never raises, and may be lost."""
    with suppress(RedisError, OSError, TimeoutError):
        async with asyncio.timeout(RING_S):
            await redis.publish(CHANNEL, b"")


async def enqueue_job(redis: ArqRedis, function: str, submission_id: int, attempt: int) -> None:
    """Hand the next step of a submission to a worker. What gets lost, the sweep finds."""
    name = f"{function}:{submission_id}:{attempt}"
    try:
        async with asyncio.timeout(RING_S):
            await redis.enqueue_job(
                function, submission_id, attempt, _job_id=name, _defer_by=-EARLY_S
            )
    except (RedisError, OSError, TimeoutError) as error:
        log.info("%s is left to the sweep: %r", name, error)


async def hear_rings(redis: Redis, rung: Callable[[], object]) -> None:
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
