"""Launches that wait: for holds, for limits, for their turn; in order, and never more than there may be."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from db.pool import Pool
from db.recovery import recoveries
from db.recovery.recoveries import PreparedRecovery
from db.submissions import job_driven_transitions, submissions
from domain.changes import ServicePart, make_service_actor
from domain.setup.recovery_rules import RecoveryRule
from domain.submissions.submissions import SubmissionState as S
from tests.forced_states import force_state
from tests.resolvers.conftest import Ask
from tests.resolvers.submission_factory import SubmissionFactory
from tests.worker_tools import make_worker_tools
from workers import schedule, sweep
from workers.tools import WorkerTools

LAUNCH = """
    mutation ($stage: ID!, $test: Boolean! = false, $busy: IfBusy! = QUEUE, $priority: Int) {
      launchStage(input: {id: $stage, isTest: $test, ifBusy: $busy, priority: $priority}) {
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
      releaseLaunches(id: $id) {
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
async def work(db: Pool, hypot: int) -> SubmissionFactory:
    return await SubmissionFactory.make(db)


@pytest.fixture
def tools(db: Pool, tmp_path: Path) -> WorkerTools:
    return make_worker_tools(db, tmp_path)


@pytest.fixture
def promote(tools: WorkerTools) -> Promote:
    """What the sweep does once a second."""
    return lambda: sweep.promote_launches(tools)


async def launch_stage(ask: Ask, stage_id: int, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await ask(LAUNCH, {"stage": f"stage:{stage_id}", **more}))[
        "launchStage"
    ]
    return found


async def hold_stage(ask: Ask, id: str | None, as_: str = "sam") -> dict[str, Any]:
    found: dict[str, Any] = (await ask(HOLD, {"id": id}, as_))["holdLaunches"]
    return found


async def list_queue(ask: Ask, **given: Any) -> list[str]:
    found = (await ask(QUEUE, given))["launchQueue"]
    return [node["id"] for node in found["nodes"]]


async def read_state(db: Pool, id: str) -> str:
    found: str = await db.fetchval(
        "SELECT state FROM submission WHERE id = $1", int(id.split(":")[1])
    )
    return found


async def test_fact_37_a_launch_of_a_held_stage_waits_with_the_reason(
    ask: Ask, work: SubmissionFactory, promote: Promote, db: Pool
) -> None:
    """Where POMS answers 423 and keeps the stage's name, the launch itself waits, and has its slice."""
    held = await hold_stage(ask, f"stage:{work.reco}")
    made = await launch_stage(ask, work.reco)
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
    assert await read_state(db, made["id"]) == "new"
    assert await db.fetchval("SELECT unfinished FROM stage WHERE id = $1", work.reco) == 1


async def test_a_test_that_waits_stays_a_test(
    ask: Ask, work: SubmissionFactory, promote: Promote
) -> None:
    held = await hold_stage(ask, f"stage:{work.reco}")
    made = await launch_stage(ask, work.reco, test=True)
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
    ask: Ask, work: SubmissionFactory, scope: str, hypot: int
) -> None:
    ids = {"stage": f"stage:{work.reco}", "campaign": f"campaign:{work.plant.campaign_id}",
           "experiment": f"experiment:{hypot}", "everything": None}  # fmt: skip
    may = {"stage": "sam", "campaign": "anna", "experiment": "sue", "everything": "ada"}
    may_not = {"stage": "alan", "campaign": "alan", "experiment": "anna", "everything": "sue"}
    assert (await hold_stage(ask, ids[scope], may_not[scope]))["__typename"] == "NotPermitted"
    made = await hold_stage(ask, ids[scope], may[scope])
    assert (made["scope"], made["heldBy"]) == (scope.upper(), {"username": may[scope]})
    assert made["availableActions"] == ["RELEASE"]
    assert (await hold_stage(ask, ids[scope], may[scope]))["hold"] == {"id": made["id"]}
    assert (await launch_stage(ask, work.reco))["waiting"]["kind"] == "LAUNCH_HOLD"
    refused = (await ask(RELEASE, {"id": made["id"]}, may_not[scope]))["releaseLaunches"]
    assert refused["__typename"] == "NotPermitted"
    assert (await launch_stage(ask, work.reco, busy="REFUSE"))["__typename"] == "LaunchesHeld"


async def test_what_somebody_else_holds_elsewhere_is_not_there(
    ask: Ask, work: SubmissionFactory
) -> None:
    made = await hold_stage(ask, f"stage:{work.reco}")
    assert (await hold_stage(ask, f"stage:{work.reco}", "otto"))["__typename"] == "NotFound"
    found = (await ask(RELEASE, {"id": made["id"]}, "otto"))["releaseLaunches"]
    assert found["__typename"] == "NotFound"
    node = await ask("query ($id: ID!) { node(id: $id) { id } }", {"id": made["id"]}, "otto")
    assert node["node"] is None


async def test_one_that_is_held_does_not_keep_its_siblings(
    ask: Ask, work: SubmissionFactory, promote: Promote, db: Pool
) -> None:
    await db.execute("UPDATE stage SET most_unfinished = 1")
    first = [await launch_stage(ask, work.gen), await launch_stage(ask, work.reco)]
    waits = [await launch_stage(ask, work.gen), await launch_stage(ask, work.reco)]
    assert [one["state"] for one in first + waits] == ["NEW", "NEW", "QUEUED", "QUEUED"]
    await hold_stage(ask, f"stage:{work.gen}")
    await db.execute("UPDATE stage SET most_unfinished = 2")
    assert await promote()
    assert [await read_state(db, one["id"]) for one in waits] == ["queued", "new"]


async def test_waiting_launches_begin_by_priority_and_age(
    ask: Ask, work: SubmissionFactory, promote: Promote, db: Pool
) -> None:
    await db.execute("UPDATE campaign SET most_unfinished = 1")
    running = await launch_stage(ask, work.gen)
    made = [
        await launch_stage(ask, stage, priority=priority)
        for stage, priority in ((work.gen, 0), (work.reco, 0), (work.gen, 5), (work.reco, -3))
    ]
    order = [made[2]["id"], made[0]["id"], made[1]["id"], made[3]["id"]]
    assert await list_queue(ask) == order
    page = (await ask(QUEUE, {"first": 1}))["launchQueue"]
    assert await list_queue(ask, after=page["pageInfo"]["endCursor"]) == order[1:]
    assert await list_queue(ask, filter={"stageId": f"stage:{work.reco}"}) == [order[2], order[3]]
    for next_ in (running["id"], *order[:3]):
        assert not await promote()
        id = int(next_.split(":")[1])
        await force_state(db, "cancelled", "id = $1", id, also=", counted = false")
        await db.execute("UPDATE stage SET unfinished = 0")
        assert await promote()
        order_now = [id for id in order if await read_state(db, id) == "queued"]
        assert await list_queue(ask) == order_now
    assert order_now == []


async def test_who_comes_later_does_not_overtake(
    ask: Ask, work: SubmissionFactory, promote: Promote, db: Pool
) -> None:
    await db.execute("UPDATE stage SET most_unfinished = 1")
    await launch_stage(ask, work.reco)
    waits = await launch_stage(ask, work.reco)
    await db.execute("UPDATE stage SET most_unfinished = 2")
    later = await launch_stage(ask, work.reco)
    assert later["waiting"]["kind"] == "TURN"
    assert later["waiting"]["reason"] == "1 launch comes before it."
    await promote()
    assert [await read_state(db, one["id"]) for one in (waits, later)] == ["new", "queued"]


DUE = """
    INSERT INTO schedule (stage_id, cron, next_at, person_id) VALUES ($1, '* * * * *', now(), $2)
        ON CONFLICT (stage_id) DO UPDATE SET next_at = now()
"""


async def test_at_a_hold_one_launch_waits_for_the_clock_not_one_for_each_turn(
    ask: Ask, work: SubmissionFactory, tools: WorkerTools, db: Pool
) -> None:
    held = await hold_stage(ask, f"stage:{work.reco}")
    said = []
    for _ in range(3):
        await db.execute(DUE, work.reco, work.plant.person_id)
        assert await schedule.take_turn(tools)
        said.append(await db.fetchval("SELECT last_result_message FROM schedule"))
    assert said[0] == "It waits."
    assert said[1:] == ["A launch of the stage waits already (1 of them)."] * 2
    assert len(await list_queue(ask)) == 1
    await ask(RELEASE, {"id": held["id"]})
    assert await sweep.promote_launches(tools)
    await db.execute(DUE, work.reco, work.plant.person_id)
    assert await schedule.take_turn(tools)
    assert await db.fetchval("SELECT last_result_message FROM schedule") == "Launched."


@pytest.mark.parametrize("until_exhausted", [True, False])
async def test_a_schedule_ends_with_its_work_if_it_is_to(
    work: SubmissionFactory, tools: WorkerTools, db: Pool, until_exhausted: bool
) -> None:
    await db.execute("UPDATE stage SET until_exhausted = $1", until_exhausted)
    for _ in range(4):
        await db.execute(DUE, work.reco, work.plant.person_id)
        assert await schedule.take_turn(tools)
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


async def set_priority(ask: Ask, id: str, priority: int, as_: str = "anna") -> dict[str, Any]:
    found: dict[str, Any] = (await ask(PRIORITY, {"id": id, "priority": priority}, as_))[
        "setPriority"
    ]
    return found


async def test_the_priority_of_a_launch_that_waits_is_changed(
    ask: Ask, work: SubmissionFactory, promote: Promote
) -> None:
    held = await hold_stage(ask, f"stage:{work.reco}")
    one, two = await launch_stage(ask, work.reco), await launch_stage(ask, work.reco)
    assert (await set_priority(ask, two["id"], 7, "alan"))["__typename"] == "NotPermitted"
    assert (await set_priority(ask, two["id"], 5_000))["__typename"] == "Invalid"
    assert (await set_priority(ask, two["id"], 7))["waiting"] == {"position": 1}
    assert await list_queue(ask) == [two["id"], one["id"]]
    await ask(RELEASE, {"id": held["id"]})
    await promote()
    assert (await set_priority(ask, two["id"], 1))["__typename"] == "NotPossibleNow"


async def test_a_launch_has_the_priority_of_its_campaign(ask: Ask, work: SubmissionFactory) -> None:
    assert (await set_priority(ask, f"campaign:{work.plant.campaign_id}", 3))["priority"] == 3
    assert (await launch_stage(ask, work.reco))["priority"] == 3
    assert (await launch_stage(ask, work.reco, priority=-1))["priority"] == -1
    assert (await launch_stage(ask, work.reco, priority=1_001))["__typename"] == "Invalid"


async def test_a_cancelled_launch_gives_its_files_back_to_a_recovery(
    ask: Ask, work: SubmissionFactory, db: Pool
) -> None:
    await hold_stage(ask, f"stage:{work.reco}")
    made = int((await launch_stage(ask, work.reco))["id"].split(":")[1])
    async with db.acquire() as conn, conn.transaction():
        assert await job_driven_transitions.discard_launch(
            conn, made, [S.QUEUED], S.CANCELLED, make_service_actor(ServicePart.ACT, "not now")
        )
    assert await db.fetchval("SELECT unfinished FROM stage WHERE id = $1", work.reco) == 0
    origin = await submissions.find_by_id(db, made)
    assert origin is not None
    ready = await recoveries.prepare_recovery(db, [origin], RecoveryRule("all"))
    assert isinstance(ready, PreparedRecovery)
    again = await recoveries.launch_recovery(db, ready, None, work.plant.person_id)
    assert again is not None
    assert (again.state, again.files, again.slice_id) == (S.QUEUED, 4, origin.slice_id)
    assert (await launch_stage(ask, work.reco))["slice"]["low"] == 4
