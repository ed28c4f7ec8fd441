"""The feed: nothing is lost and nothing comes twice, with Redis or without."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import asyncpg
import pytest
from redis.asyncio import Redis

import doorbell
import feed
from app import ChangeReader
from db import changes
from db.changes import Change
from db.pool import Pool
from db.reach import ApiPool
from feed import ChangeBatch, ChangeFeed, ChangeFilter, OtherHistory, PositionExpired

INSERT = """
    INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, part, body)
    SELECT $1, $2, $3, $4, 'watch', '{}' FROM generate_series(1, $5::int)
"""


REPLACE = "UPDATE change_head SET position = 0, history_id = gen_random_uuid()"


async def commit_changes(
    db: Pool, count: int = 1, *, experiment: int = 1, campaign: int | None = None,
    submission: int | None = None, kind: str = "submission.running",
) -> None:  # fmt: skip
    """Commit some changes and give them their positions."""
    await db.execute(INSERT, experiment, campaign, submission, kind, count)
    while await changes.relay_batch(db, 5000):
        pass


@asynccontextmanager
async def run_feed(
    db: ApiPool, redis: Redis, heartbeat: float = 5
) -> AsyncIterator[ChangeFeed[Change]]:
    source: ChangeFeed[Change] = ChangeFeed(ChangeReader(db), heartbeat)
    async with source.running(redis):
        yield source


async def wait_until_read(source: ChangeFeed[Change], db: Pool) -> None:
    """Wait until the feed has read all that there is."""
    async with asyncio.timeout(20):
        source.look()
        while source.head.position < (await changes.find_head(db))[0]:
            await asyncio.sleep(0.001)


async def follow_until(
    source: ChangeFeed[Change],
    wanted: ChangeFilter,
    after: int | None,
    enough: Callable[[list[Change], ChangeBatch[Change]], bool],
) -> list[Change]:
    """Follow until there is enough."""
    found: list[Change] = []
    async with asyncio.timeout(20), aclosing(source.follow(wanted, after)) as stream:
        async for batch in stream:
            found += batch.items
            if enough(found, batch):
                break
    return found


async def test_history_comes_first_and_then_the_news(
    db: Pool, api_pool: ApiPool, redis: Redis
) -> None:
    await commit_changes(db, 30)
    async with run_feed(api_pool, redis) as source, asyncio.timeout(20):
        found: list[int] = []
        lives = []
        async with aclosing(source.follow(feed.EVERYTHING, 10)) as stream:
            async for batch in stream:
                found += [change.position for change in batch.items]
                lives.append(batch.live)
                if len(lives) == 2:
                    await commit_changes(db, 5)
                    await doorbell.ring_bell(redis)
                if len(found) == 25:
                    break
        assert found == list(range(11, 36))
        assert lives[:2] == [False, True]


async def test_a_watcher_gets_what_it_wants_and_nothing_else(
    db: Pool, api_pool: ApiPool, redis: Redis
) -> None:
    async with run_feed(api_pool, redis) as source:
        await commit_changes(db, 3, experiment=1, campaign=7, submission=70)
        await commit_changes(db, 3, experiment=2, campaign=8, submission=80)
        await commit_changes(db, 3, experiment=1, campaign=7, submission=71, kind="jobs.changed")
        await commit_changes(db, 1, experiment=1, campaign=9, kind="campaign.saved")
        await wait_until_read(source, db)
        for wanted, expected in [
            (ChangeFilter(experiments=frozenset({1})), [1, 2, 3, 7, 8, 9, 10]),
            (ChangeFilter(experiments=frozenset()), []),
            (ChangeFilter(campaign_id=7), [1, 2, 3, 7, 8, 9]),
            (ChangeFilter(submission_id=80), [4, 5, 6]),
            (ChangeFilter(frozenset({1}), submission_id=80), []),
            (ChangeFilter(kinds=frozenset({"jobs.changed", "campaign.saved"})), [7, 8, 9, 10]),
        ]:
            history = await follow_until(source, wanted, 0, lambda _, batch: batch.live)
            assert [change.position for change in history] == expected
            assert [c.position for c in history if wanted.fits(c)] == expected


async def test_without_redis_the_head_is_read_every_second(db: Pool, api_pool: ApiPool) -> None:
    async with (
        Redis.from_url("redis://127.0.0.1:1") as nobody,
        run_feed(api_pool, nobody) as source,
    ):
        await source.now()
        await doorbell.ring_bell(nobody)

        async def late() -> None:
            await commit_changes(db, 3)

        task = asyncio.create_task(late())
        found = await follow_until(source, feed.EVERYTHING, 0, lambda found, _: len(found) == 3)
        await task
        assert [change.position for change in found] == [1, 2, 3]


async def test_a_slow_watcher_reads_history_again_and_misses_nothing(
    db: Pool, api_pool: ApiPool, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_BUFFERED", 10)
    monkeypatch.setattr(feed, "BATCH", 7)
    async with run_feed(api_pool, redis) as source, asyncio.timeout(20):
        found: list[int] = []
        async with aclosing(source.follow(feed.EVERYTHING, 0)) as stream:
            async for batch in stream:
                found += [change.position for change in batch.items]
                if batch.live and len(found) < 500:
                    await commit_changes(db, 100)
                    await wait_until_read(source, db)
                if len(found) >= 500:
                    break
        assert found == list(range(1, 501))


async def test_many_watchers_under_four_writers_all_see_everything_once(
    db: Pool, api_pool: ApiPool, redis: Redis
) -> None:
    async with run_feed(api_pool, redis, heartbeat=0.05) as source:
        total = 4 * 50

        async def write(experiment: int) -> None:
            for _ in range(50):
                await db.execute(INSERT, experiment, None, None, "submission.running", 1)

        async def relay() -> None:
            while True:
                if not await changes.relay_batch(db, 7):
                    await asyncio.sleep(0.002)
                await doorbell.ring_bell(redis)

        relaying = asyncio.create_task(relay())
        watchers = [
            asyncio.create_task(
                follow_until(source, feed.EVERYTHING, 0, lambda found, _: len(found) >= total)
            )
            for _ in range(20)
        ]
        await asyncio.gather(*(write(n) for n in range(4)))
        for found in await asyncio.gather(*watchers):
            assert [change.position for change in found] == list(range(1, total + 1))
        relaying.cancel()


async def test_a_heartbeat_says_how_far_was_looked(
    db: Pool, api_pool: ApiPool, redis: Redis
) -> None:
    async with run_feed(api_pool, redis, heartbeat=0.05) as source:
        await commit_changes(db, 5, experiment=2)
        source.look()
        seen: list[ChangeBatch[Change]] = []

        def beats(_: list[Change], batch: ChangeBatch[Change]) -> bool:
            seen.append(batch)
            return batch.position == 5 and len(seen) > 2

        assert (
            await follow_until(source, ChangeFilter(experiments=frozenset({1})), None, beats) == []
        )
        assert seen[-1].live


async def test_another_history_ends_what_was_followed(
    db: Pool, api_pool: ApiPool, redis: Redis
) -> None:
    async def follow(source: ChangeFeed[Change]) -> None:
        async with aclosing(source.follow(feed.EVERYTHING)) as stream:
            async for _ in stream:
                await db.execute(REPLACE)
                source.look()

    async with run_feed(api_pool, redis) as source, asyncio.timeout(20):
        with pytest.raises(OtherHistory):
            await follow(source)


async def test_an_outage_of_the_database_is_waited_out(
    db: Pool, api_pool: ApiPool, redis: Redis
) -> None:
    class Flaky(ChangeReader):
        tries = itertools.count()

        async def head(self) -> feed.FeedHead:
            if next(self.tries) in (1, 2):
                raise asyncpg.ConnectionDoesNotExistError("away")
            return await super().head()

    source: ChangeFeed[Change] = ChangeFeed(Flaky(api_pool))
    async with source.running(redis):
        await source.now()
        await commit_changes(db, 2)
        found = await follow_until(source, feed.EVERYTHING, 0, lambda found, _: len(found) == 2)
        assert [change.position for change in found] == [1, 2]


DROP = ("DELETE FROM change WHERE position <= $1", "UPDATE change_head SET dropped_to = $1")


async def test_who_goes_on_after_what_was_dropped_is_told(
    db: Pool, api_pool: ApiPool, redis: Redis
) -> None:
    async with run_feed(api_pool, redis) as source:
        await commit_changes(db, 5)
        await wait_until_read(source, db)
        for statement in DROP:
            await db.execute(statement, 3)
        for after in (0, 2):
            with pytest.raises(PositionExpired) as expired:
                await follow_until(source, feed.EVERYTHING, after, lambda found, _: len(found) == 5)
            assert expired.value.dropped_to == 3
        found = await follow_until(source, feed.EVERYTHING, 3, lambda found, _: len(found) == 2)
        assert [change.position for change in found] == [4, 5]


async def test_what_is_dropped_while_it_is_read_is_not_passed_over(
    db: Pool, api_pool: ApiPool, redis: Redis
) -> None:
    class Slow(ChangeReader):
        async def read(
            self, after: int, upto: int, bound: int, wanted: ChangeFilter
        ) -> tuple[list[Change], int]:
            if wanted is not feed.EVERYTHING:
                for statement in DROP:
                    await db.execute(statement, 3)
            return await super().read(after, upto, bound, wanted)

    source: ChangeFeed[Change] = ChangeFeed(Slow(api_pool))
    async with source.running(redis):
        await commit_changes(db, 5)
        await wait_until_read(source, db)
        with pytest.raises(PositionExpired):
            await follow_until(
                source, ChangeFilter(campaign_id=None), 0, lambda found, _: len(found) == 2
            )


async def test_a_feed_that_was_away_for_long_says_what_its_watchers_have_missed(
    db: Pool, api_pool: ApiPool, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    source: ChangeFeed[Change] = ChangeFeed(ChangeReader(api_pool))
    await source.catch_up()
    stream = source.follow(feed.EVERYTHING)
    async with aclosing(stream):
        assert (await anext(stream)).live
        await commit_changes(db, 5)
        for statement in DROP:
            await db.execute(statement, 3)
        monkeypatch.setattr(feed, "LONG_AWAY_S", 0.0)
        await source.catch_up()
        assert source.head.position == 5
        with pytest.raises(PositionExpired):
            await anext(stream)


async def test_a_ring_waits_for_nobody_and_never_raises() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for address in (port, 1):
        async with Redis.from_url(f"redis://127.0.0.1:{address}") as away:
            async with asyncio.timeout(20):
                await doorbell.ring_bell(away)
    server.close()


async def test_the_doorbell_is_heard_again_once_redis_is_back(redis: Redis) -> None:
    rung = asyncio.Event()
    hearing = asyncio.create_task(doorbell.hear_rings(redis, rung.set))
    async with asyncio.timeout(20):
        for _ in range(2):
            await rung.wait()  # each time it begins to listen, lest a ring was missed
            rung.clear()
            await doorbell.ring_bell(redis)
            await rung.wait()
            await redis.client_kill_filter(_type="pubsub")
            rung.clear()
    hearing.cancel()
