"""The feed: nothing is lost and nothing comes twice, with Redis or without."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import asyncpg
import pytest
from redis.asyncio import Redis

import doorbell
import feed
from app import Reader
from db import changes
from db.changes import Change
from db.pool import Pool
from feed import Changes, Feed, OtherHistory, Wanted

INSERT = """
    INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, body)
    SELECT $1, $2, $3, $4, '{}' FROM generate_series(1, $5::int)
"""


REPLACE = "UPDATE change_head SET position = 0, history_id = gen_random_uuid()"


async def happen(
    db: Pool, count: int = 1, *, experiment: int = 1, campaign: int | None = None,
    submission: int | None = None, kind: str = "submission.running",
) -> None:  # fmt: skip
    """Commit some changes and give them their positions."""
    await db.execute(INSERT, experiment, campaign, submission, kind, count)
    while await changes.relay(db, 5000):
        pass


@asynccontextmanager
async def running(db: Pool, redis: Redis, heartbeat: float = 5) -> AsyncIterator[Feed[Change]]:
    source: Feed[Change] = Feed(Reader(db), heartbeat)
    async with source.running(redis):
        yield source


async def caught_up(source: Feed[Change], db: Pool) -> None:
    """Wait until the feed has read all that there is."""
    async with asyncio.timeout(20):
        source.look()
        while source.head.position < (await changes.head(db))[0]:
            await asyncio.sleep(0.001)


async def until(
    source: Feed[Change],
    wanted: Wanted,
    after: int | None,
    enough: Callable[[list[Change], Changes[Change]], bool],
) -> list[Change]:
    """Follow until there is enough."""
    found: list[Change] = []
    async with asyncio.timeout(20), aclosing(source.follow(wanted, after)) as stream:
        async for batch in stream:
            found += batch.items
            if enough(found, batch):
                break
    return found


async def test_history_comes_first_and_then_the_news(db: Pool, redis: Redis) -> None:
    await happen(db, 30)
    async with running(db, redis) as source, asyncio.timeout(20):
        found: list[int] = []
        lives = []
        async with aclosing(source.follow(feed.EVERYTHING, 10)) as stream:
            async for batch in stream:
                found += [change.position for change in batch.items]
                lives.append(batch.live)
                if len(lives) == 2:
                    await happen(db, 5)
                    await doorbell.ring(redis)
                if len(found) == 25:
                    break
        assert found == list(range(11, 36))
        assert lives[:2] == [False, True]


async def test_a_watcher_gets_what_it_wants_and_nothing_else(db: Pool, redis: Redis) -> None:
    async with running(db, redis) as source:
        await happen(db, 3, experiment=1, campaign=7, submission=70)
        await happen(db, 3, experiment=2, campaign=8, submission=80)
        await happen(db, 3, experiment=1, campaign=7, submission=71, kind="jobs.changed")
        await happen(db, 1, experiment=1, campaign=9, kind="campaign.saved")
        await caught_up(source, db)
        for wanted, expected in [
            (Wanted(experiments=frozenset({1})), [1, 2, 3, 7, 8, 9, 10]),
            (Wanted(experiments=frozenset()), []),
            (Wanted(campaign_id=7), [1, 2, 3, 7, 8, 9]),
            (Wanted(submission_id=80), [4, 5, 6]),
            (Wanted(frozenset({1}), submission_id=80), []),
            (Wanted(kinds=("jobs.", "campaign.")), [7, 8, 9, 10]),
        ]:
            history = await until(source, wanted, 0, lambda _, batch: batch.live)
            assert [change.position for change in history] == expected
            assert [c.position for c in history if wanted.fits(c)] == expected


async def test_without_redis_the_head_is_read_every_second(db: Pool) -> None:
    async with Redis.from_url("redis://127.0.0.1:1") as nobody, running(db, nobody) as source:
        await source.now()
        await doorbell.ring(nobody)

        async def late() -> None:
            await happen(db, 3)

        task = asyncio.create_task(late())
        found = await until(source, feed.EVERYTHING, 0, lambda found, _: len(found) == 3)
        await task
        assert [change.position for change in found] == [1, 2, 3]


async def test_a_slow_watcher_reads_history_again_and_misses_nothing(
    db: Pool, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_BUFFERED", 10)
    monkeypatch.setattr(feed, "BATCH", 7)
    async with running(db, redis) as source, asyncio.timeout(20):
        found: list[int] = []
        async with aclosing(source.follow(feed.EVERYTHING, 0)) as stream:
            async for batch in stream:
                found += [change.position for change in batch.items]
                if batch.live and len(found) < 500:
                    await happen(db, 100)
                    await caught_up(source, db)
                if len(found) >= 500:
                    break
        assert found == list(range(1, 501))


async def test_many_watchers_under_four_writers_all_see_everything_once(
    db: Pool, redis: Redis
) -> None:
    async with running(db, redis, heartbeat=0.05) as source:
        total = 4 * 50

        async def write(experiment: int) -> None:
            for _ in range(50):
                await db.execute(INSERT, experiment, None, None, "submission.running", 1)

        async def relay() -> None:
            while True:
                if not await changes.relay(db, 7):
                    await asyncio.sleep(0.002)
                await doorbell.ring(redis)

        relaying = asyncio.create_task(relay())
        watchers = [
            asyncio.create_task(
                until(source, feed.EVERYTHING, 0, lambda found, _: len(found) >= total)
            )
            for _ in range(20)
        ]
        await asyncio.gather(*(write(n) for n in range(4)))
        for found in await asyncio.gather(*watchers):
            assert [change.position for change in found] == list(range(1, total + 1))
        relaying.cancel()


async def test_a_heartbeat_says_how_far_was_looked(db: Pool, redis: Redis) -> None:
    async with running(db, redis, heartbeat=0.05) as source:
        await happen(db, 5, experiment=2)
        source.look()
        seen: list[Changes[Change]] = []

        def beats(_: list[Change], batch: Changes[Change]) -> bool:
            seen.append(batch)
            return batch.position == 5 and len(seen) > 2

        assert await until(source, Wanted(experiments=frozenset({1})), None, beats) == []
        assert seen[-1].live


async def test_another_history_ends_what_was_followed(db: Pool, redis: Redis) -> None:
    async def follow(source: Feed[Change]) -> None:
        async with aclosing(source.follow(feed.EVERYTHING)) as stream:
            async for _ in stream:
                await db.execute(REPLACE)
                source.look()

    async with running(db, redis) as source, asyncio.timeout(20):
        with pytest.raises(OtherHistory):
            await follow(source)


async def test_an_outage_of_the_database_is_waited_out(db: Pool, redis: Redis) -> None:
    class Flaky(Reader):
        tries = itertools.count()

        async def head(self) -> feed.Head:
            if next(self.tries) in (1, 2):
                raise asyncpg.ConnectionDoesNotExistError("away")
            return await super().head()

    source: Feed[Change] = Feed(Flaky(db))
    async with source.running(redis):
        await source.now()
        await happen(db, 2)
        found = await until(source, feed.EVERYTHING, 0, lambda found, _: len(found) == 2)
        assert [change.position for change in found] == [1, 2]


async def test_a_ring_waits_for_nobody_and_never_raises() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for address in (port, 1):
        async with Redis.from_url(f"redis://127.0.0.1:{address}") as away:
            began = time.monotonic()
            await doorbell.ring(away)
            assert time.monotonic() - began < 2
    server.close()


async def test_the_doorbell_is_heard_again_once_redis_is_back(redis: Redis) -> None:
    rung = asyncio.Event()
    hearing = asyncio.create_task(doorbell.hear(redis, rung.set))
    async with asyncio.timeout(20):
        for _ in range(2):
            await rung.wait()  # each time it begins to listen, lest a ring was missed
            rung.clear()
            await doorbell.ring(redis)
            await rung.wait()
            await redis.client_kill_filter(_type="pubsub")
            rung.clear()
    hearing.cancel()
