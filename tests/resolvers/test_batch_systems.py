"""How batch systems are, as clients see it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest
from redis.asyncio import Redis

from db import changes, leases
from db.batch import admission, batch_systems, feeds
from db.pool import Pool
from domain.batch.admission import FAULTS
from schema.context import AppState, Context
from tests.resolvers.conftest import Ask, make_cached_schema

SYSTEMS = """
    { batchSystems {
        name reachable text slots running queued proofOfAbsence lastAnswerAt watchedBy readAt readerLagS } }
"""
WELL = {"reachable": True, "text": "well", "slots": 4, "running": 3, "queued": 2}
GONE = {"reachable": False, "text": "no answer within 10 s", "slots": 0, "running": 0, "queued": 0}


async def record_answer(db: Pool, health: dict[str, Any]) -> bool:
    """A worker asks at once, and this is the answer."""
    asked_at = await batch_systems.claim_health_check(db, "pool", 0, 0)
    assert asked_at
    return await batch_systems.record_health(
        db, "pool", asked_at, health, reachable=health["reachable"]
    )


@pytest.mark.usefixtures("hypot")
async def test_a_batch_system_shows_what_it_said_last(db: Pool, ask: Ask) -> None:
    await record_answer(db, WELL | {"proof_of_absence": "the history is complete"})
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
    await record_answer(db, GONE)
    [before] = (await ask(SYSTEMS))["batchSystems"]
    assert (before["lastAnswerAt"], before["watchedBy"], before["readerLagS"]) == (None, None, None)
    epoch = await leases.claim(db, "watch:pool", "worker 7", 60)
    assert epoch
    await feeds.begin_watch(db, "pool", epoch)
    await feeds.record_reading(db, "pool", epoch)
    [after] = (await ask(SYSTEMS))["batchSystems"]
    assert after["watchedBy"] == "worker 7"
    assert 0 <= after["readerLagS"] < 10
    await db.execute("UPDATE watch SET read_at = now() - interval '1 hour'")
    await leases.release(db, "watch:pool", epoch)
    [late] = (await ask(SYSTEMS))["batchSystems"]
    assert late["watchedBy"] is None
    assert late["readerLagS"] > 3599


async def test_only_one_worker_asks_at_a_time_and_the_answer_to_an_older_question_is_dropped(
    db: Pool,
) -> None:
    first = await batch_systems.claim_health_check(db, "pool", 0, 0)
    assert first
    assert await batch_systems.claim_health_check(db, "pool", 60, 0) is None
    second = await batch_systems.claim_health_check(db, "pool", 0, 0)
    assert second
    assert not await batch_systems.record_health(db, "pool", first, WELL, reachable=True)
    assert await batch_systems.record_health(db, "pool", second, WELL, reachable=True)


async def test_who_waits_for_a_slow_answer_is_not_overtaken(db: Pool) -> None:
    first = await batch_systems.claim_health_check(db, "pool", 0, 60)
    assert first
    assert await batch_systems.claim_health_check(db, "pool", 0, 60) is None
    assert await batch_systems.record_health(db, "pool", first, WELL, reachable=True)
    assert await batch_systems.claim_health_check(db, "pool", 0, 60)
    # Whoever died while it waited keeps others only that long.
    await db.execute("UPDATE batch_system SET check_lease_until = now() - interval '1 second'")
    assert await batch_systems.claim_health_check(db, "pool", 0, 60)


async def list_kinds(db: Pool) -> list[str]:
    rows = await db.fetch("SELECT kind FROM change_inbox WHERE kind ^@ 'batch_system.' ORDER BY id")
    return [row["kind"] for row in rows]


async def test_going_away_and_coming_back_is_told_once_each(db: Pool) -> None:
    for health in (WELL, WELL, GONE, GONE, WELL):
        await record_answer(db, health)
    away, back = "batch_system.unreachable", "batch_system.reachable"
    assert await list_kinds(db) == [back, away, back]


WATCH = """
    subscription ($filter: ChangesFilter) {
      changes(filter: $filter, after: null) {
        __typename
        ... on Change { kind experimentId part actor { username } }
        ... on BatchSystemChange { batchSystem text }
      }
    }
"""


@pytest.mark.usefixtures("hypot")
@pytest.mark.parametrize("who", ["anna", "otto", "ada"])
async def test_whoever_has_a_role_anywhere_hears_of_it_and_of_nothing_else_of_others(
    db: Pool,
    app_state: AppState,
    redis: Redis,
    context: Callable[[str], Awaitable[Context]],
    who: str,
) -> None:
    async with app_state.feed.running(redis):
        found = await make_cached_schema().subscribe(WATCH, {"filter": None}, await context(who))
        assert isinstance(found, AsyncGenerator)
        async with aclosing(found) as stream:
            await anext(stream)  # live
            await record_answer(db, GONE | {"reachable": True, "text": "back"})
            await changes.relay_batch(db, 100)
            app_state.feed.look()
            result = await anext(stream)
    assert not result.errors
    assert result.data
    assert result.data["changes"] == {
        "__typename": "BatchSystemChange", "kind": "BATCH_SYSTEM_REACHABLE", "experimentId": None,
        "part": "HEALTH", "actor": None, "batchSystem": "pool", "text": "back",
    }  # fmt: skip


async def test_no_other_change_can_be_everybodys_by_mistake(db: Pool) -> None:
    with pytest.raises(Exception, match="every_other_change"):
        await db.execute(
            "INSERT INTO change_inbox (kind, part, body) VALUES ('person.saved', 'act', '{}')"
        )


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
    await record_answer(db, WELL)
    given = {"name": "pool", "reason": "new disks"}
    paused = (await ask(PAUSE, given, as_="ada"))["pauseBatchSystem"]
    assert paused["pause"] == {"reason": "new disks", "by": {"username": "ada"}}
    resumed = (await ask(RESUME, {"name": "pool"}, as_="ada"))["resumeBatchSystem"]
    assert (resumed["pause"], resumed["circuit"]) == (None, None)
    assert (await list_kinds(db))[1:] == ["batch_system.paused", "batch_system.resumed"]
    await ask(RESUME, {"name": "pool"}, as_="ada")
    assert len(await list_kinds(db)) == 3
    for wrong, kind in (({"name": "other"}, "NotFound"), ({"reason": " "}, "Invalid")):
        found = (await ask(PAUSE, given | wrong, as_="ada"))["pauseBatchSystem"]
        assert found["__typename"] == kind


@pytest.mark.usefixtures("hypot")
@pytest.mark.parametrize("who", ["anna", "sue", "otto"])
async def test_nobody_else_pauses_or_resumes_one(db: Pool, ask: Ask, who: str) -> None:
    await record_answer(db, WELL)
    for question, name in ((PAUSE, "pauseBatchSystem"), (RESUME, "resumeBatchSystem")):
        given = {"name": "pool", "reason": "x"} if question is PAUSE else {"name": "pool"}
        assert (await ask(question, given, as_=who))[name]["__typename"] == "NotPermitted"
    assert await list_kinds(db) == ["batch_system.reachable"]


async def test_a_circuit_opens_with_the_last_of_several_faults_and_says_so_once(db: Pool) -> None:
    await record_answer(db, WELL)
    for _ in range(FAULTS + 2):
        await admission.record_fault(db, "pool", "no answer")
    await admission.record_success(db, "pool")
    await admission.record_success(db, "pool")
    assert (await list_kinds(db))[1:] == [
        "batch_system.circuit_opened",
        "batch_system.circuit_closed",
    ]


async def test_faults_of_launches_with_their_own_credentials_do_not_open_the_circuit_of_all(
    db: Pool,
) -> None:
    opened = "SELECT opened_at IS NOT NULL FROM batch_system WHERE name = 'pool'"
    await record_answer(db, WELL)
    for _ in range(FAULTS + 2):
        await admission.record_fault(db, "pool", "the token was refused", own_credential=True)
    assert not await db.fetchval(opened)
    await record_answer(db, GONE)
    for _ in range(FAULTS):
        await admission.record_fault(db, "pool", "no answer", own_credential=True)
    assert await db.fetchval(opened)
