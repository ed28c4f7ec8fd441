"""Equal subscriptions run once; nobody loses anything, and nobody hears anything twice."""

import asyncio
import random
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial

import httpx2
import pytest
from starlette.requests import HTTPConnection
from websockets.exceptions import ConnectionClosed

from door import Door
from door.channels import MOST_PENDING, Channel, RunMember
from door.requests import GraphQLRequest
from door.shared import MOST_RECENT, LogStream, RecentResults, SharedRuns
from tests.door.log_service import LogService, LogViewer, Plain, make_schema
from tests.door.serving import SocketClient, connect_client, serve_door, wait_until

CHANGES = "subscription ($after: String) { changes(after: $after) { position } }"
BIG = "x" * 20_000


async def read_positions(probe: SocketClient, field: str, upto: int) -> list[int]:
    """All positions until a certain one."""
    found: list[int] = []
    while not found or found[-1] < upto:
        found.append(await probe.next(field))
    return found


async def wait_at_head(world: LogService, door: Door[LogViewer], sources: int = 1) -> None:
    """All have read history, and share."""
    await wait_until(lambda: world.idle == sources and len(door.hub.running) == 1)


async def test_200_equal_subscribers_of_a_state_run_its_source_once(
    port: int, world: LogService
) -> None:
    async with AsyncExitStack() as stack:
        probes = [await stack.enter_async_context(connect_client(port)) for _ in range(200)]
        for probe in probes:
            await probe.subscribe("subscription { state { position executed } }")
        assert {await probe.next("state") for probe in probes} == {0}
        world.move(7)
        assert {await probe.next("state") for probe in probes} == {7}
        assert (world.counts.started, world.counts.executed) == (1, 2)
    await wait_until(lambda: world.counts.closed == 1)


async def test_200_equal_subscribers_of_a_log_share_one_source_at_the_head(
    port: int, world: LogService, door: Door[LogViewer]
) -> None:
    query = "subscription { changes { position executed } }"
    async with AsyncExitStack() as stack:
        probes = [await stack.enter_async_context(connect_client(port)) for _ in range(200)]
        for probe in probes:
            await probe.subscribe(query)
        await wait_until(lambda: world.counts.started == 200)
        await wait_at_head(world, door)
        assert world.counts.closed == 199
        world.publish()
        assert {await probe.next("changes") for probe in probes} == {1}
        assert (world.counts.yielded, world.counts.executed) == (1, 1)
    await wait_until(lambda: world.counts.closed == 200)
    assert not door.hub.running


async def test_late_subscribers_get_history_and_then_join(
    port: int, world: LogService, door: Door[LogViewer]
) -> None:
    for _ in range(100):
        world.publish()
    async with connect_client(port) as one, connect_client(port) as two:
        await one.subscribe(CHANGES, after="90")
        assert await read_positions(one, "changes", 100) == list(range(91, 101))
        await wait_at_head(world, door)
        await two.subscribe(CHANGES, after="10")
        assert await read_positions(two, "changes", 100) == list(range(11, 101))
        await wait_until(lambda: world.counts.closed == 1)
        world.publish()
        assert [await one.next("changes"), await two.next("changes")] == [101, 101]


async def test_different_viewers_do_not_share(port: int, world: LogService) -> None:
    async with connect_client(port) as boss, connect_client(port, "i-am-clerk") as clerk:
        for probe in (boss, clerk):
            await probe.subscribe("subscription { state { position } }")
            assert await probe.next("state") == 0
        assert world.counts.started == 2


async def test_different_variables_do_not_share(
    port: int, world: LogService, door: Door[LogViewer]
) -> None:
    query = "subscription ($kind: String) { changes(kind: $kind) { position } }"
    async with connect_client(port) as probe:
        await probe.subscribe(query, "a", kind="a")
        await probe.subscribe(query, "b", kind="b")
        await wait_until(lambda: world.idle == 2 and len(door.hub.running) == 2)
        world.publish(kind="b")
        answer = await probe.hear()
        assert (answer["id"], answer["payload"]["data"]["changes"]["position"]) == ("b", 1)


@dataclass
class Race:
    """Publishers and watchers in each other's way."""

    world: LogService
    port: int
    field: str
    dice: random.Random
    total: int = 1_500

    async def publish(self) -> None:
        while self.world.head < self.total:
            for _ in range(self.dice.randint(1, 9)):
                self.world.publish()
            await asyncio.sleep(self.dice.choice([0, 0, 0.001, 0.003]))

    async def watch(self) -> None:
        """Come and go, each time with a cursor somewhere between the last one and the head."""
        start = 0
        async with connect_client(self.port) as probe:
            while start < self.total:
                await wait_until(partial(self.world.has_come_past, start, self.total))
                start = await self.leg(probe, self.dice.randint(start, self.world.head))

    async def leg(self, probe: SocketClient, begin: int) -> int:
        """Watch for a while; every position comes, in order, once."""
        end = min(self.total, begin + self.dice.randint(100, 750))
        name = f"{begin} to {end}"
        await probe.subscribe(CHANGES.replace("changes", self.field), name, after=str(begin))
        seen = await read_positions(probe, self.field, end) if end > begin else []
        assert seen == list(range(begin + 1, end + 1))
        await probe.say(type="complete", id=name)
        await probe.say(type="ping")
        while (await probe.hear())["type"] != "pong":
            pass  # what was under way when the operation was completed
        return end


@pytest.mark.parametrize("field", ["changes"])
async def test_nothing_is_lost_or_doubled_while_publishers_race(
    port: int, world: LogService, door: Door[LogViewer], field: str
) -> None:
    race = Race(world, port, field, random.Random(7))
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(race.publish())
        for _ in range(20):
            group.create_task(race.watch())
    await wait_until(lambda: not door.hub.running and world.counts.closed == world.counts.started)


async def test_a_slow_reader_of_a_log_falls_back_to_history_and_gets_each_position_once(
    port: int, world: LogService, door: Door[LogViewer]
) -> None:
    query = "subscription ($after: String) { changes(after: $after) { position text } }"
    async with connect_client(port) as quick, connect_client(port, narrow=True) as slow:
        await slow.subscribe(query, after="0")
        await quick.subscribe(query, after="0")
        await wait_until(lambda: world.counts.started == 2)
        await wait_at_head(world, door)
        for n in range(4 * MOST_PENDING):
            world.publish(BIG)
            assert await quick.next("changes") == n + 1
        await wait_until(lambda: world.counts.started == 2 or world.counts.closed >= 1)
        socket = next(c for c in door.open if any(m.pending for m in c.members.values()))
        assert len(next(iter(socket.members.values())).pending) <= MOST_PENDING
        last = world.head
        assert await read_positions(slow, "changes", last) == list(range(1, last + 1))
        await wait_at_head(world, door)
        assert world.counts.started == 3
        world.publish()
        assert [await slow.next("changes"), await quick.next("changes")] == [last + 1] * 2


async def test_a_slow_reader_does_not_delay_the_others_and_may_be_the_only_one(
    port: int, world: LogService, door: Door[LogViewer]
) -> None:
    async with connect_client(port, narrow=True) as slow:
        await slow.subscribe(
            "subscription { changes { position text } }",
        )
        await wait_at_head(world, door)
        for _ in range(4 * MOST_PENDING):
            world.publish(BIG)
            await asyncio.sleep(0)
        last = world.head
        assert await read_positions(slow, "changes", last) == list(range(1, last + 1))


async def test_a_slow_reader_of_a_state_gets_the_newest_one(
    port: int, world: LogService, door: Door[LogViewer]
) -> None:
    query = "subscription { state(padding: 20000) { position text } }"
    async with connect_client(port) as quick, connect_client(port, narrow=True) as slow:
        for probe in (slow, quick):
            await probe.subscribe(query)
        assert await quick.next("state") == 0
        last = 500
        for n in range(1, last + 1):
            world.move(n)
            assert await quick.next("state") == n
        assert all(len(m.pending) <= 1 for c in door.open for m in c.members.values())
        seen = await read_positions(slow, "state", last)
        assert seen == sorted(set(seen))
        assert len(seen) < last
        assert world.counts.started == 1


async def test_a_newcomer_to_a_state_gets_the_last_one_at_once(
    port: int, world: LogService
) -> None:
    async with connect_client(port) as one, connect_client(port) as two:
        await one.subscribe("subscription { state { position } }")
        assert await one.next("state") == 0
        await wait_until(lambda: world.idle == 1)
        world.move(5)
        assert await one.next("state") == 5
        await two.subscribe("subscription { state { position } }")
        assert await two.next("state") == 5
        assert world.counts.started == 1


async def test_who_cannot_follow_an_undeclared_subscription_is_cut_off(
    port: int, world: LogService
) -> None:
    async with connect_client(port, narrow=True) as slow:
        await slow.subscribe("subscription { count(to: 5000, padding: 20000) { position text } }")
        await wait_until(lambda: world.counts.closed == 1)
        code, _ = await read_until_closed(slow)
        assert code == 4013


async def read_until_closed(probe: SocketClient) -> tuple[int | None, str | None]:
    """Read on until the socket is closed."""
    with suppress(ConnectionClosed):
        while True:
            await probe.hear()
    return await probe.closing()


async def test_heartbeats_reach_everybody_though_the_position_stays(
    port: int, world: LogService, door: Door[LogViewer]
) -> None:
    world.publish()
    async with connect_client(port) as one, connect_client(port) as two:
        await one.subscribe(CHANGES, after="0")
        assert await one.next("changes") == 1
        await wait_at_head(world, door)
        await two.subscribe(CHANGES)
        await wait_until(lambda: world.counts.closed == 1)
        for _ in range(3):
            await wait_at_head(world, door)
            world.beat()
            assert [await one.next("changes"), await two.next("changes")] == [1, 1]


async def test_an_event_stream_and_a_socket_share_one_source(
    port: int, world: LogService, door: Door[LogViewer]
) -> None:
    headers = {"accept": "text/event-stream", "authorization": "Bearer i-am-boss"}
    query = "subscription { state { position } }"
    async with (
        connect_client(port) as probe,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", verify=False) as http,
        http.stream("POST", "/graphql", json={"query": query}, headers=headers) as events,
    ):
        texts = events.aiter_text()
        assert '"position":0' in await anext(texts)
        await probe.subscribe(query)
        assert await probe.next("state") == 0
        world.move(3)
        assert await probe.next("state") == 3
        assert '"position":3' in await anext(texts)
        assert world.counts.started == 1


async def test_a_run_survives_whoever_began_it(
    port: int, world: LogService, door: Door[LogViewer]
) -> None:
    async with connect_client(port) as stays:
        async with connect_client(port) as began:
            for probe in (began, stays):
                await probe.subscribe(CHANGES, after="0")
                await wait_until(lambda: world.idle == 1 and len(door.hub.running) == 1)
            await wait_until(lambda: world.counts.closed == 1)
            [run] = door.hub.running.values()
            assert isinstance(run, LogStream)
            assert len(run.members) == 2
        await wait_until(lambda: len(run.members) == 1)
        world.publish()
        assert await stays.next("changes") == 1
        assert world.counts.started == 2


async def test_an_invalid_subscription_does_not_listen_in(port: int, world: LogService) -> None:
    async with connect_client(port) as probe:
        await probe.subscribe("subscription { state { position } }", "good")
        assert await probe.next("state") == 0
        await probe.subscribe("subscription ($unused: Int) { state { position } }", "bad")
        answer = await probe.hear()
        assert (answer["id"], answer["type"]) == ("bad", "error")


async def test_a_forbidden_subscription_is_an_error(port: int) -> None:
    async with connect_client(port, "i-am-clerk") as probe:
        await probe.subscribe("subscription { ruled }")
        answer = await probe.hear()
        assert answer["type"] == "error"
        assert answer["payload"][0]["extensions"]["code"] == "NOT_PERMITTED"


async def test_contexts_of_plain_attributes_share_after_the_first_result(world: LogService) -> None:
    async def sign_in(_: HTTPConnection, __: str | None) -> Plain:
        return Plain(world)

    door: Door[Plain] = Door(make_schema(), sign_in)
    world.publish()
    async with serve_door(door) as port, connect_client(port) as one, connect_client(port) as two:
        for probe in (one, two):
            await probe.subscribe(CHANGES, after="0")
            assert await probe.next("changes") == 1
        await wait_until(lambda: world.idle == 2)
        assert not door.hub.running
        for position in (2, 3):
            world.publish()
            assert [await one.next("changes"), await two.next("changes")] == [position] * 2
            await wait_until(lambda: world.idle == 1 and len(door.hub.running) == 1)
        assert (world.counts.started, world.counts.yielded) == (2, 2 + 2 + 1)


async def test_the_last_of_history_is_not_lost_when_the_head_is_told_before_it(
    port: int, world: LogService, door: Door[LogViewer]
) -> None:
    query = "subscription { eager(after: %s) { position executed } }"
    for _ in range(30):
        world.publish()
    async with connect_client(port) as one, connect_client(port) as two:
        for probe in (one, two):
            await probe.subscribe(query % '"0"')
            assert await read_positions(probe, "eager", 30) == list(range(1, 31))
            await wait_at_head(world, door)
        world.publish()
        assert [await one.next("eager"), await two.next("eager")] == [31, 31]
        assert world.counts.started == 2


class ListChannel(Channel):
    """A connection whose other end is a list."""

    def next(self, member: RunMember, payload: str) -> str:
        return payload

    def end(self, member: RunMember, kind: str, payload: str) -> str:
        return kind

    async def send(self, message: str) -> None:
        raise NotImplementedError


async def test_who_joins_ahead_of_the_others_hears_nothing_twice(world: LogService) -> None:
    hub, ask = SharedRuns(make_schema()), GraphQLRequest(CHANGES)
    channel, context = ListChannel(), LogViewer(world, "boss")
    behind, ahead = channel.open("behind", ask), channel.open("ahead", ask)
    run = LogStream(hub, "key", ask, context)
    run.recent = RecentResults(5)
    run.admit(behind)
    assert run.join(ahead, 8)
    for position in (6, 7, 8, 8, 9):
        context.position = position
        run.deliver(f"at {position}")
    assert list(behind.pending) == ["at 6", "at 7", "at 8", "at 8", "at 9"]
    assert list(ahead.pending) == ["at 8", "at 9"]  # the second one at 8 is a heartbeat
    assert ahead.position == behind.position == 9


async def test_recent_results_are_bounded_and_know_how_far_they_reach() -> None:
    recent = RecentResults(0)
    for position in range(1, 1_001):
        recent.add(position, f"{position}")
    assert recent.after(1_000 - MOST_RECENT) == [str(n) for n in range(1_001 - MOST_RECENT, 1_001)]
    assert recent.after(999 - MOST_RECENT) is None
    recent.add(1_001, "x" * 5_000_000)
    assert recent.after(1_000) is None
    assert recent.after(1_001) == []
