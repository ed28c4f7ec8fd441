"""How batch systems are, as clients see it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest
from redis.asyncio import Redis

from db import batch_systems, changes, gates, leases, watches
from db.pool import Pool
from domain.gates import FAULTS
from schema.context import Context, House
from tests.resolvers.conftest import Ask, schema

SYSTEMS = """
    { batchSystems { name reachable text slots running queued proofOfAbsence heardAt watchedBy readAt readerLagS } }
"""
WELL = {"reachable": True, "text": "well", "slots": 4, "running": 3, "queued": 2}
GONE = {"reachable": False, "text": "no answer within 10 s", "slots": 0, "running": 0, "queued": 0}


async def said(db: Pool, health: dict[str, Any]) -> bool:
    """A worker asks at once, and this is the answer."""
    asked_at = await batch_systems.ask(db, "pool", 0)
    assert asked_at
    return await batch_systems.heard(db, "pool", asked_at, health, reachable=health["reachable"])


@pytest.mark.usefixtures("hypot")
async def test_a_batch_system_shows_what_it_said_last(db: Pool, ask: Ask) -> None:
    await said(db, WELL | {"proof_of_absence": "the history is complete"})
    [shown] = (
        await ask("{ batchSystems { name reachable text slots running queued proofOfAbsence } }")
    )["batchSystems"]
    assert shown == {
        "name": "pool", "proofOfAbsence": "the history is complete", "reachable": True, "text": "well",
        "slots": 4, "running": 3, "queued": 2,
    }  # fmt: skip


@pytest.mark.usefixtures("hypot")
async def test_who_reads_its_feed_and_up_to_when_is_apart_from_how_it_is(
    db: Pool, ask: Ask
) -> None:
    await said(db, GONE)
    [before] = (await ask(SYSTEMS))["batchSystems"]
    assert (before["heardAt"], before["watchedBy"], before["readerLagS"]) == (None, None, None)
    epoch = await leases.take(db, "watch:pool", "worker 7", 60)
    assert epoch
    await watches.lead(db, "pool", epoch)
    await watches.read(db, "pool", epoch)
    [after] = (await ask(SYSTEMS))["batchSystems"]
    assert after["watchedBy"] == "worker 7"
    assert 0 <= after["readerLagS"] < 10
    await db.execute("UPDATE watch SET read_at = now() - interval '1 hour'")
    await leases.drop(db, "watch:pool", epoch)
    [late] = (await ask(SYSTEMS))["batchSystems"]
    assert late["watchedBy"] is None
    assert late["readerLagS"] > 3599


async def test_only_one_worker_asks_at_a_time_and_the_answer_to_an_older_question_is_dropped(
    db: Pool,
) -> None:
    first = await batch_systems.ask(db, "pool", 0)
    assert first
    assert await batch_systems.ask(db, "pool", 60) is None
    second = await batch_systems.ask(db, "pool", 0)
    assert second
    assert not await batch_systems.heard(db, "pool", first, WELL, reachable=True)
    assert await batch_systems.heard(db, "pool", second, WELL, reachable=True)


async def kinds(db: Pool) -> list[str]:
    rows = await db.fetch("SELECT kind FROM change_inbox WHERE kind ^@ 'batch_system.' ORDER BY id")
    return [row["kind"] for row in rows]


async def test_going_away_and_coming_back_is_told_once_each(db: Pool) -> None:
    for health in (WELL, WELL, GONE, GONE, WELL):
        await said(db, health)
    away, back = "batch_system.unreachable", "batch_system.reachable"
    assert await kinds(db) == [back, away, back]


WATCH = """
    subscription ($filter: ChangesFilter) {
      changes(filter: $filter, after: null) { __typename ... on Change { kind experimentId body } }
    }
"""


@pytest.mark.usefixtures("hypot")
@pytest.mark.parametrize("who", ["anna", "otto", "ada"])
async def test_whoever_has_a_role_anywhere_hears_of_it_and_of_nothing_else_of_others(
    db: Pool, house: House, redis: Redis, context: Callable[[str], Awaitable[Context]], who: str
) -> None:
    async with house.feed.running(redis):
        found = await schema().subscribe(WATCH, {"filter": None}, await context(who))
        assert isinstance(found, AsyncGenerator)
        async with aclosing(found) as stream:
            await anext(stream)  # live
            await said(db, GONE | {"reachable": True, "text": "back"})
            await changes.relay(db, 100)
            house.feed.look()
            result = await anext(stream)
    assert not result.errors
    assert result.data
    assert result.data["changes"] == {
        "__typename": "Change", "kind": "batch_system.reachable", "experimentId": None,
        "body": {"batch_system": "pool", "text": "back"},
    }  # fmt: skip


async def test_no_other_change_can_be_everybodys_by_mistake(db: Pool) -> None:
    with pytest.raises(Exception, match="every_other_change"):
        await db.execute("INSERT INTO change_inbox (kind, body) VALUES ('person.saved', '{}')")


PAUSE = """
    mutation ($name: String!, $reason: String!) {
      pauseBatchSystem(name: $name, reason: $reason) {
        __typename ... on BatchSystem { name pause { reason by { username } } } ... on Problem { message }
      }
    }
"""
RESUME = """
    mutation ($name: String!) {
      resumeBatchSystem(name: $name) {
        __typename ... on BatchSystem { name pause { reason } circuit { reason } } ... on Problem { message }
      }
    }
"""


@pytest.mark.usefixtures("hypot")
async def test_a_service_admin_pauses_and_resumes_a_batch_system(db: Pool, ask: Ask) -> None:
    await said(db, WELL)
    given = {"name": "pool", "reason": "new disks"}
    paused = (await ask(PAUSE, given, as_="ada"))["pauseBatchSystem"]
    assert paused["pause"] == {"reason": "new disks", "by": {"username": "ada"}}
    resumed = (await ask(RESUME, {"name": "pool"}, as_="ada"))["resumeBatchSystem"]
    assert (resumed["pause"], resumed["circuit"]) == (None, None)
    assert (await kinds(db))[1:] == ["batch_system.paused", "batch_system.resumed"]
    await ask(RESUME, {"name": "pool"}, as_="ada")
    assert len(await kinds(db)) == 3
    for wrong, kind in (({"name": "other"}, "NotFound"), ({"reason": " "}, "Invalid")):
        found = (await ask(PAUSE, given | wrong, as_="ada"))["pauseBatchSystem"]
        assert found["__typename"] == kind


@pytest.mark.usefixtures("hypot")
@pytest.mark.parametrize("who", ["anna", "sue", "otto"])
async def test_nobody_else_pauses_or_resumes_one(db: Pool, ask: Ask, who: str) -> None:
    await said(db, WELL)
    for question, name in ((PAUSE, "pauseBatchSystem"), (RESUME, "resumeBatchSystem")):
        given = {"name": "pool", "reason": "x"} if question is PAUSE else {"name": "pool"}
        assert (await ask(question, given, as_=who))[name]["__typename"] == "NotPermitted"
    assert await kinds(db) == ["batch_system.reachable"]


async def test_a_circuit_opens_with_the_last_of_several_faults_and_says_so_once(db: Pool) -> None:
    await said(db, WELL)
    for _ in range(FAULTS + 2):
        await gates.fault(db, "pool", "no answer")
    await gates.well(db, "pool")
    await gates.well(db, "pool")
    assert (await kinds(db))[1:] == ["batch_system.circuit_opened", "batch_system.circuit_closed"]
