"""Launches that wait: for holds, for limits, for their turn; in order, and never more than there may be."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from catalogs.embedded import Embedded
from db import endings, recoveries, submissions
from db.pool import Pool
from db.recoveries import Ready
from domain.recovery import Entry
from domain.submissions import SubmissionState as S
from tests.resolvers.conftest import Ask
from tests.resolvers.working import Work
from workers import schedule, sweep
from workers.tools import Tools

LAUNCH = """
    mutation ($stage: ID!, $test: Boolean! = false, $busy: IfBusy! = QUEUE, $priority: Int) {
      launchStage(stageId: $stage, isTest: $test, ifBusy: $busy, priority: $priority) {
        __typename
        ... on Submission {
          id state isTest priority slice { low high epoch }
          waiting { kind reason reasons position holds { id } limits { scope name counts most used } }
        }
        ... on Problem { message }
      }
    }
"""
HOLD = """
    mutation ($id: ID, $reason: String! = "the disk is full") {
      holdLaunches(id: $id, reason: $reason) {
        __typename
        ... on LaunchHold { id scope name reason heldBy { username } releasedAt availableActions }
        ... on AlreadyHeld { hold { id } }
        ... on Problem { message }
      }
    }
"""
RELEASE = """
    mutation ($id: ID!) {
      releaseLaunches(holdId: $id) {
        __typename
        ... on LaunchHold { releasedBy { username } availableActions }
        ... on Problem { message }
      }
    }
"""
QUEUE = """
    query ($filter: LaunchQueueFilter, $first: Int, $after: String) {
      launchQueue(filter: $filter, first: $first, after: $after) {
        nodes { id state waiting { kind position reason } }
        pageInfo { hasNextPage endCursor }
      }
    }
"""

Promote = Callable[[], Awaitable[bool]]


@pytest.fixture
async def work(db: Pool, hypot: int) -> Work:
    return await Work.make(db)


@pytest.fixture
def tools(db: Pool, tmp_path: Path) -> Tools:
    """Those of a worker from which nobody needs to hear."""

    async def nothing(*_: object) -> None:
        return None

    return Tools(
        db=db, systems={}, catalog=Embedded(tmp_path), spool=tmp_path, store=tmp_path, holder="test",
        lease_s=10, launch_lease_s=60, ring=nothing, enqueue=nothing,
    )  # fmt: skip


@pytest.fixture
def promote(tools: Tools) -> Promote:
    """What the sweep does once a second."""
    return lambda: sweep.promote(tools)


async def launch(ask: Ask, stage_id: int, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await ask(LAUNCH, {"stage": f"stage:{stage_id}", **more}))[
        "launchStage"
    ]
    return found


async def hold(ask: Ask, id: str | None, as_: str = "sam") -> dict[str, Any]:
    found: dict[str, Any] = (await ask(HOLD, {"id": id}, as_))["holdLaunches"]
    return found


async def queue(ask: Ask, **given: Any) -> list[str]:
    found = (await ask(QUEUE, given))["launchQueue"]
    return [node["id"] for node in found["nodes"]]


async def state(db: Pool, id: str) -> str:
    found: str = await db.fetchval(
        "SELECT state FROM submission WHERE id = $1", int(id.split(":")[1])
    )
    return found


async def test_fact_37_a_launch_of_a_held_stage_waits_with_the_reason(
    ask: Ask, work: Work, promote: Promote, db: Pool
) -> None:
    """Where POMS answers 423 and keeps the stage's name, the launch itself waits, and has its slice."""
    held = await hold(ask, f"stage:{work.reco}")
    made = await launch(ask, work.reco)
    assert made["state"] == "QUEUED"
    assert made["waiting"] == {
        "kind": "LAUNCH_HOLD", "reason": "sam holds launches of stage reco: the disk is full",
        "reasons": ["sam holds launches of stage reco: the disk is full"],
        "position": 1, "holds": [{"id": held["id"]}], "limits": [],
    }  # fmt: skip
    assert made["slice"] == {"low": 0, "high": 4, "epoch": 1}
    assert not await promote()
    assert (await ask(RELEASE, {"id": held["id"]}, "anna"))["releaseLaunches"] == {
        "__typename": "LaunchHold", "releasedBy": {"username": "anna"}, "availableActions": [],
    }  # fmt: skip
    assert await promote()
    assert await state(db, made["id"]) == "new"
    assert await db.fetchval("SELECT unfinished FROM stage WHERE id = $1", work.reco) == 1


async def test_a_test_that_waits_stays_a_test(ask: Ask, work: Work, promote: Promote) -> None:
    held = await hold(ask, f"stage:{work.reco}")
    made = await launch(ask, work.reco, test=True)
    await ask(RELEASE, {"id": held["id"]})
    await promote()
    found = await ask(
        "query ($id: ID!) { submission(id: $id) { state isTest slice { epoch } waiting { kind } } }",
        {"id": made["id"]},
    )
    assert found["submission"] == {
        "state": "NEW", "isTest": True, "slice": {"epoch": -1}, "waiting": None
    }  # fmt: skip


@pytest.mark.parametrize("scope", ["stage", "campaign", "experiment", "everything"])
async def test_launches_are_held_at_every_scope_by_who_may(
    ask: Ask, work: Work, scope: str, hypot: int
) -> None:
    ids = {"stage": f"stage:{work.reco}", "campaign": f"campaign:{work.plant.campaign_id}",
           "experiment": f"experiment:{hypot}", "everything": None}  # fmt: skip
    may = {"stage": "sam", "campaign": "anna", "experiment": "sue", "everything": "ada"}
    may_not = {"stage": "alan", "campaign": "alan", "experiment": "anna", "everything": "sue"}
    assert (await hold(ask, ids[scope], may_not[scope]))["__typename"] == "NotPermitted"
    made = await hold(ask, ids[scope], may[scope])
    assert (made["scope"], made["heldBy"]) == (scope.upper(), {"username": may[scope]})
    assert made["availableActions"] == ["RELEASE"]
    assert (await hold(ask, ids[scope], may[scope]))["hold"] == {"id": made["id"]}
    assert (await launch(ask, work.reco))["waiting"]["kind"] == "LAUNCH_HOLD"
    refused = (await ask(RELEASE, {"id": made["id"]}, may_not[scope]))["releaseLaunches"]
    assert refused["__typename"] == "NotPermitted"
    assert (await launch(ask, work.reco, busy="REFUSE"))["__typename"] == "LaunchesHeld"


async def test_what_somebody_else_holds_elsewhere_is_not_there(ask: Ask, work: Work) -> None:
    made = await hold(ask, f"stage:{work.reco}")
    assert (await hold(ask, f"stage:{work.reco}", "otto"))["__typename"] == "NotFound"
    found = (await ask(RELEASE, {"id": made["id"]}, "otto"))["releaseLaunches"]
    assert found["__typename"] == "NotFound"
    node = await ask("query ($id: ID!) { node(id: $id) { id } }", {"id": made["id"]}, "otto")
    assert node["node"] is None


async def test_one_that_is_held_does_not_keep_its_siblings(
    ask: Ask, work: Work, promote: Promote, db: Pool
) -> None:
    await db.execute("UPDATE stage SET most_unfinished = 1")
    first = [await launch(ask, work.gen), await launch(ask, work.reco)]
    waits = [await launch(ask, work.gen), await launch(ask, work.reco)]
    assert [one["state"] for one in first + waits] == ["NEW", "NEW", "QUEUED", "QUEUED"]
    await hold(ask, f"stage:{work.gen}")
    await db.execute("UPDATE stage SET most_unfinished = 2")
    assert await promote()
    assert [await state(db, one["id"]) for one in waits] == ["queued", "new"]


async def test_waiting_launches_begin_by_priority_and_age(
    ask: Ask, work: Work, promote: Promote, db: Pool
) -> None:
    await db.execute("UPDATE campaign SET most_unfinished = 1")
    running = await launch(ask, work.gen)
    made = [
        await launch(ask, stage, priority=priority)
        for stage, priority in ((work.gen, 0), (work.reco, 0), (work.gen, 5), (work.reco, -3))
    ]
    order = [made[2]["id"], made[0]["id"], made[1]["id"], made[3]["id"]]
    assert await queue(ask) == order
    page = (await ask(QUEUE, {"first": 1}))["launchQueue"]
    assert await queue(ask, after=page["pageInfo"]["endCursor"]) == order[1:]
    assert await queue(ask, filter={"stageId": f"stage:{work.reco}"}) == [order[2], order[3]]
    for next_ in (running["id"], *order[:3]):
        assert not await promote()
        await db.execute("UPDATE submission SET state = 'cancelled', counted = false WHERE id = $1",
                         int(next_.split(":")[1]))  # fmt: skip
        await db.execute("UPDATE stage SET unfinished = 0")
        assert await promote()
        order_now = [id for id in order if await state(db, id) == "queued"]
        assert await queue(ask) == order_now
    assert order_now == []


async def test_who_comes_later_does_not_overtake(
    ask: Ask, work: Work, promote: Promote, db: Pool
) -> None:
    await db.execute("UPDATE stage SET most_unfinished = 1")
    await launch(ask, work.reco)
    waits = await launch(ask, work.reco)
    await db.execute("UPDATE stage SET most_unfinished = 2")
    later = await launch(ask, work.reco)
    assert later["waiting"]["kind"] == "TURN"
    assert later["waiting"]["reason"] == "1 launch comes before it."
    await promote()
    assert [await state(db, one["id"]) for one in (waits, later)] == ["new", "queued"]


DUE = """
    INSERT INTO schedule (stage_id, cron, next_at, person_id) VALUES ($1, '* * * * *', now(), $2)
        ON CONFLICT (stage_id) DO UPDATE SET next_at = now()
"""


async def test_at_a_hold_one_launch_waits_for_the_clock_not_one_for_each_turn(
    ask: Ask, work: Work, tools: Tools, db: Pool
) -> None:
    held = await hold(ask, f"stage:{work.reco}")
    said = []
    for _ in range(3):
        await db.execute(DUE, work.reco, work.plant.person_id)
        assert await schedule.step(tools)
        said.append(await db.fetchval("SELECT last_said FROM schedule"))
    assert said[0] == "It waits."
    assert said[1:] == ["A launch of the stage waits already (1 of them)."] * 2
    assert len(await queue(ask)) == 1
    await ask(RELEASE, {"id": held["id"]})
    assert await sweep.promote(tools)
    await db.execute(DUE, work.reco, work.plant.person_id)
    assert await schedule.step(tools)
    assert await db.fetchval("SELECT last_said FROM schedule") == "Launched."


@pytest.mark.parametrize("until_exhausted", [True, False])
async def test_a_schedule_ends_with_its_work_if_it_is_to(
    work: Work, tools: Tools, db: Pool, until_exhausted: bool
) -> None:
    await db.execute("UPDATE stage SET until_exhausted = $1", until_exhausted)
    for _ in range(4):
        await db.execute(DUE, work.reco, work.plant.person_id)
        assert await schedule.step(tools)
    assert await db.fetchval("SELECT count(*) FROM submission") == 3
    assert await db.fetchval("SELECT active FROM schedule") is not until_exhausted


PRIORITY = """
    mutation ($id: ID!, $priority: Int!) {
      setPriority(id: $id, priority: $priority) {
        __typename
        ... on Campaign { priority }
        ... on Submission { priority waiting { position } }
        ... on Problem { message }
      }
    }
"""


async def prefer(ask: Ask, id: str, priority: int, as_: str = "anna") -> dict[str, Any]:
    found: dict[str, Any] = (await ask(PRIORITY, {"id": id, "priority": priority}, as_))[
        "setPriority"
    ]
    return found


async def test_the_priority_of_a_launch_that_waits_is_changed(
    ask: Ask, work: Work, promote: Promote
) -> None:
    held = await hold(ask, f"stage:{work.reco}")
    one, two = await launch(ask, work.reco), await launch(ask, work.reco)
    assert (await prefer(ask, two["id"], 7, "alan"))["__typename"] == "NotPermitted"
    assert (await prefer(ask, two["id"], 5_000))["__typename"] == "Invalid"
    assert (await prefer(ask, two["id"], 7))["waiting"] == {"position": 1}
    assert await queue(ask) == [two["id"], one["id"]]
    await ask(RELEASE, {"id": held["id"]})
    await promote()
    assert (await prefer(ask, two["id"], 1))["__typename"] == "NotPossibleNow"


async def test_a_launch_has_the_priority_of_its_campaign(ask: Ask, work: Work) -> None:
    assert (await prefer(ask, f"campaign:{work.plant.campaign_id}", 3))["priority"] == 3
    assert (await launch(ask, work.reco))["priority"] == 3
    assert (await launch(ask, work.reco, priority=-1))["priority"] == -1
    assert (await launch(ask, work.reco, priority=1_001))["__typename"] == "Invalid"


async def test_a_cancelled_launch_gives_its_files_back_to_a_recovery(
    ask: Ask, work: Work, db: Pool
) -> None:
    await hold(ask, f"stage:{work.reco}")
    made = int((await launch(ask, work.reco))["id"].split(":")[1])
    async with db.acquire() as conn, conn.transaction():
        assert await endings.discard(conn, made, [S.QUEUED], S.CANCELLED, "not now")
    assert await db.fetchval("SELECT unfinished FROM stage WHERE id = $1", work.reco) == 0
    origin = await submissions.by_id(db, made)
    assert origin is not None
    ready = await recoveries.prepare(db, [origin], Entry("all"))
    assert isinstance(ready, Ready)
    again = await recoveries.launch(db, ready, None, work.plant.person_id)
    assert again is not None
    assert (again.state, again.files, again.slice_id) == (S.QUEUED, 4, origin.slice_id)
    assert (await launch(ask, work.reco))["slice"]["low"] == 4
