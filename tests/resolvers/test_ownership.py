"""What runs in the name of somebody without rights stops and says so, until they have them or it is handed over."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from db.launching import launch_rights
from db.pool import Pool
from db.recovery import recoveries
from db.recovery.recoveries import PreparedRecovery
from db.submissions import submissions
from domain.permissions import list_grants
from domain.setup.recovery_rules import RecoveryRule
from domain.submissions.submissions import SubmissionState as S
from tests.factories import Factory
from tests.resolvers.conftest import Ask, ask_with_key
from tests.resolvers.submission_factory import SubmissionFactory
from tests.resolvers.test_leaving import set_person_active
from tests.resolvers.test_limits import fire_dependents, make_ended
from tests.resolvers.test_queue import (
    DUE,
    Promote,
    hold_stage,
    launch_stage,
    list_queue,
    promote,
    tools,
)
from workers import schedule
from workers.tools import WorkerTools

__all__ = ["promote", "tools"]
Counted = Callable[[], Awaitable[dict[str, int]]]
SET = """mutation ($input: SetMembershipInput!, $key: String)
    { setMembership(input: $input, idempotencyKey: $key) { __typename } }"""
HAND = """
    mutation ($input: HandOverInput!, $key: String) {
      handOver(input: $input, idempotencyKey: $key) {
        __typename
        ... on HandOverReport {
          total dryRun items { id name changesOwner schedules launches fromPerson { username } }
        }
        ... on CannotOwn { ids }
        ... on Problem { message }
        ... on Invalid { field }
      }
    }
"""
WAITING = """
    query ($id: ID!) {
      campaign(id: $id) { stages { name schedule { active lastResultMessage } } }
      launchQueue { nodes { id waiting { kind reason } createdBy { username } } }
    }
"""


@pytest.fixture
async def work(db: Pool, hypot: int) -> SubmissionFactory:
    return await SubmissionFactory.make(db)


async def transfer_items(ask: Ask, as_: str = "sue", **given: Any) -> Any:
    wanted = {"experiment": "hypot", "to": "sue", "reason": "anna has left", **given}
    return (await ask(HAND, ask_with_key(wanted), as_=as_))["handOver"]


async def set_role(ask: Ask, username: str, role: str | None) -> None:
    wanted = {"experiment": "hypot", "username": username, "role": role, "reason": "a new task"}
    assert (await ask(SET, {"input": wanted}, as_="sue"))["setMembership"][
        "__typename"
    ] == "MembershipSet"


async def list_waiting(ask: Ask) -> list[tuple[str, str]]:
    """Kind of what each waiting launch waits for, and in whose name it is."""
    nodes = (await ask(WAITING, {"id": "campaign:1"}, as_="sue"))["launchQueue"]["nodes"]
    return [(node["waiting"]["kind"], node["createdBy"]["username"]) for node in nodes]


async def take_schedule_turn(
    work: SubmissionFactory, tools: WorkerTools, stage_id: int
) -> tuple[str, bool]:
    """What came of a turn of anna's schedule, and whether it goes on."""
    db = work.plant.db
    await db.execute(DUE, stage_id, work.plant.person_id)
    assert await schedule.take_turn(tools)
    row = await db.fetchrow(
        "SELECT last_result_message, active FROM schedule WHERE stage_id = $1", stage_id
    )
    assert row
    return row["last_result_message"], row["active"]


async def take_rights(ask: Ask, db: Pool, how: str) -> str:
    """Take anna's rights; returns what is said of it."""
    if how == "inactive":
        await set_person_active(ask, "anna", active=False)
        return "may not sign in any more"
    if how == "experiment":
        await db.execute("UPDATE experiment SET active = false WHERE name = 'hypot'")
        return "experiment of toy is inactive"
    await set_role(ask, "anna", None if how == "gone" else "ANALYSIS")
    return "may not launch toy"


async def give_rights_back(ask: Ask, db: Pool, how: str) -> None:
    if how == "experiment":
        await db.execute("UPDATE experiment SET active = true")
    elif how == "inactive":
        await set_person_active(ask, "anna", active=True)
    else:
        await set_role(ask, "anna", "PRODUCTION")


HOWS = ["inactive", "gone", "lowered", "experiment"]


@pytest.mark.parametrize("how", HOWS)
async def test_a_schedule_without_rights_stands_still_says_so_once_and_goes_on(
    ask: Ask, work: SubmissionFactory, tools: WorkerTools, db: Pool, how: str
) -> None:
    said = await take_rights(ask, db, how)
    for _ in range(3):
        last, active = await take_schedule_turn(work, tools, work.reco)
        assert said in last
        assert active
    assert await db.fetchval("SELECT count(*) FROM submission") == 0
    told = await db.fetch("SELECT body FROM change_inbox WHERE kind = 'schedule.stopped'")
    assert [row["body"]["person"] for row in told] == [f"person:{work.plant.person_id}"]
    await give_rights_back(ask, db, how)
    assert await take_schedule_turn(work, tools, work.reco) == ("Launched.", True)


async def test_schedules_of_who_is_put_out_go_to_the_owning_role_and_a_change_says_so(
    ask: Ask, work: SubmissionFactory, tools: WorkerTools, db: Pool
) -> None:
    await db.execute(DUE, work.reco, work.plant.person_id)
    for who, since in (("pia", "1 day"), ("olga", "2 days")):
        await db.execute(
            "WITH p AS (INSERT INTO person (username) VALUES ($1) RETURNING id)"
            " INSERT INTO membership (person_id, experiment_id, role, since)"
            " SELECT id, $2, 'production', now() - $3::interval FROM p",
            who, work.plant.experiment_id, timedelta(days=int(since[0])),
        )  # fmt: skip
    await set_person_active(ask, "anna", active=False)
    told = await db.fetch(
        "SELECT reason, body FROM change_inbox WHERE kind = 'campaign.handed_over'"
    )
    heir = await db.fetchval("SELECT 'person:' || id FROM person WHERE username = 'olga'")
    assert [(row["body"]["from"], row["body"]["to"], row["reason"]) for row in told] == [
        (f"person:{work.plant.person_id}", heir, "Schedules go to the owning role: has left")
    ]
    await db.execute("UPDATE schedule SET next_at = now()")
    assert await schedule.take_turn(tools)
    assert await db.fetchval("SELECT last_result_message FROM schedule") == "Launched."
    assert heir == await db.fetchval("SELECT 'person:' || created_by FROM submission")


@pytest.mark.parametrize("how", HOWS)
async def test_a_launch_that_waits_in_the_name_of_who_left_begins_once_they_may_again(
    ask: Ask, work: SubmissionFactory, promote: Promote, db: Pool, how: str
) -> None:
    held = await hold_stage(ask, f"stage:{work.reco}")
    await launch_stage(ask, work.reco)
    said = await take_rights(ask, db, how)
    await db.execute("UPDATE launch_hold SET released_at = now(), released_by = 1")
    assert held
    assert not await promote()
    (node,) = (await ask(WAITING, {"id": "campaign:1"}, as_="sue"))["launchQueue"]["nodes"]
    assert node["waiting"]["kind"] == "RIGHTS"
    assert said in node["waiting"]["reason"]
    await give_rights_back(ask, db, how)
    assert await promote()
    assert await list_queue(ask) == []


async def test_it_keeps_nobody_else_waiting(
    ask: Ask, work: SubmissionFactory, promote: Promote, db: Pool
) -> None:
    await hold_stage(ask, f"stage:{work.reco}")
    await launch_stage(ask, work.reco)
    await set_role(ask, "anna", None)
    query = 'mutation { launchStage(input: {id: "stage:%s"}) { ... on Submission { id } } }'
    theirs = (await ask(query % work.reco, as_="sue"))["launchStage"]["id"]
    await db.execute("UPDATE launch_hold SET released_at = now(), released_by = 1")
    assert await promote()
    assert (
        await db.fetchval("SELECT state FROM submission WHERE 'submission:' || id = $1", theirs)
        == "new"
    )
    assert await list_waiting(ask) == [("RIGHTS", "anna")]


async def test_recoveries_and_dependents_wait_for_rights_and_follow_who_has_them_now(
    ask: Ask, work: SubmissionFactory, promote: Promote, db: Pool
) -> None:
    origin = await make_ended(work, S.CANCELLED)
    await set_role(ask, "anna", None)
    await fire_dependents(db, origin)
    ready = await recoveries.prepare_recovery(db, [origin], RecoveryRule("all"))
    assert isinstance(ready, PreparedRecovery)
    recovery = await recoveries.launch_recovery(db, ready, None)
    assert recovery
    assert set(await list_waiting(ask)) == {("RIGHTS", "anna")}
    assert not await promote()
    handed = await transfer_items(ask, **{"from": "anna"}, dryRun=True)
    assert max(item["launches"] for item in handed["items"]) >= 2
    await transfer_items(ask, **{"from": "anna"})
    assert await promote()
    sue = await db.fetchval("SELECT id FROM person WHERE username = 'sue'")
    assert await launch_rights.find_successor(db, origin.campaign_id, origin.created_by) == sue
    begun = await submissions.find_by_id(db, recovery.id)
    assert begun
    assert (begun.state, begun.created_by) == ("new", sue)


OWNERS = """
    SELECT kind || ':' || x.id AS item, p.username FROM (
        SELECT 'campaign' AS kind, id, owner_id FROM campaign UNION ALL SELECT 'job_type', id, owner_id FROM job_type
        UNION ALL SELECT 'login_setup', id, owner_id FROM login_setup
        UNION ALL SELECT 'dataset', id, owner_id FROM dataset
        UNION ALL SELECT 'credential', id, owner_id FROM credential) x JOIN person p ON p.id = x.owner_id
"""


async def list_owners(db: Pool) -> dict[str, str]:
    return {row["item"]: row["username"] for row in await db.fetch(OWNERS)}


async def test_all_of_a_person_is_handed_over_with_what_runs_in_their_name(
    ask: Ask, work: SubmissionFactory, tools: WorkerTools, counted: Counted, db: Pool, hypot: int
) -> None:
    await db.execute(
        "INSERT INTO credential (experiment_id, owner_id, name, kind, owning_role)"
        " VALUES ($1, $2, 'proxy', 'proxy', 'production')",
        hypot, work.plant.person_id,
    )  # fmt: skip
    await hold_stage(ask, f"stage:{work.gen}")
    await launch_stage(ask, work.gen)
    await set_role(ask, "anna", None)
    await take_schedule_turn(work, tools, work.reco)
    before, had = await counted(), await list_owners(db)
    planned = await transfer_items(ask, **{"from": "anna"}, dryRun=True)
    assert (planned["dryRun"], planned["total"]) == (True, len(had))
    assert {item["id"] for item in planned["items"]} == set(had)
    assert planned["items"][0] == {
        "id": f"campaign:{work.plant.campaign_id}", "name": "toy", "changesOwner": True,
        "schedules": 1, "launches": 1, "fromPerson": {"username": "anna"},
    }  # fmt: skip
    assert (await counted(), await list_owners(db)) == (before, had)
    done = await transfer_items(ask, **{"from": "anna"}, idempotencyKey="k")
    assert done == {**planned, "dryRun": False}
    assert await transfer_items(ask, **{"from": "anna"}, idempotencyKey="k") == done
    assert set((await list_owners(db)).values()) == {"sue"}
    assert await list_waiting(ask) == [("LAUNCH_HOLD", "sue")]
    assert (await transfer_items(ask, **{"from": "anna"}))["__typename"] == "NotFound", (
        "nothing is theirs"
    )
    told = await db.fetch(
        "SELECT actor_id, reason, body FROM change_inbox WHERE kind LIKE '%handed_over'"
    )
    assert {row["body"]["item"] for row in told} == set(had)
    people = {
        row["username"]: f"person:{row['id']}" for row in await db.fetch("SELECT * FROM person")
    }
    said = {"from": people["anna"], "to": people["sue"]}
    by = {(f"person:{row['actor_id']}", row["reason"]) for row in told}
    assert by == {(people["sue"], "anna has left")}
    assert all(said.items() <= row["body"].items() for row in told)
    await db.execute("UPDATE schedule SET next_at = now()")
    assert await schedule.take_turn(tools)
    assert await db.fetchval("SELECT last_result_message FROM schedule") == "Launched."


async def test_one_item_is_handed_over_and_back(
    ask: Ask, work: SubmissionFactory, db: Pool
) -> None:
    id = f"campaign:{work.plant.campaign_id}"
    had = await list_owners(db)
    for to, experiment_of in (("sue", "anna"), ("anna", "sue")):
        found = await transfer_items(ask, ids=[id], to=to, as_="ada")
        assert [item["fromPerson"]["username"] for item in found["items"]] == [experiment_of]
    assert await list_owners(db) == had
    kept = await db.fetch("SELECT from_id, to_id FROM hand_over")
    assert [row["to_id"] for row in kept] == [work.plant.person_id]


async def test_launches_in_a_campaign_of_another_are_handed_over_without_it(
    ask: Ask, work: SubmissionFactory, db: Pool
) -> None:
    await hold_stage(ask, f"stage:{work.gen}")
    query = 'mutation { launchStage(input: {id: "stage:%s"}) { __typename } }'
    await ask(query % work.gen, as_="sam")
    await set_role(ask, "sam", None)
    assert await list_waiting(ask) == [("RIGHTS", "sam")]
    (item,) = (await transfer_items(ask, **{"from": "sam"}, to="anna"))["items"]
    assert (item["changesOwner"], item["launches"]) == (False, 1)
    assert await list_waiting(ask) == [("LAUNCH_HOLD", "anna")]


@pytest.mark.parametrize(
    ("as_", "given", "problem"),
    [
        ("anna", {}, "NotPermitted"),
        ("otto", {}, "NotPermitted"),
        ("sue", {"experiment": "other"}, "NotFound"),
        ("sue", {"to": "otto"}, "NotFound"),
        ("sue", {"to": "nobody"}, "NotFound"),
        ("sue", {"to": "alan"}, "CannotOwn"),
        ("sue", {"to": "sam"}, "CannotOwn"),
        ("sue", {"from": "otto"}, "NotFound"),
        ("sue", {"from": "otto", "ids": ["campaign:1"]}, "NotFound"),
        ("sue", {"from": None}, "Invalid"),
        ("sue", {"reason": ""}, "Invalid"),
        ("sue", {"ids": []}, "Invalid"),
        ("sue", {"ids": ["campaign:2"]}, "NotFound"),
        ("sue", {"ids": ["campaign:1", "stage:1"]}, "NotFound"),
        ("sue", {"from": "anna", "to": "anna"}, "Invalid"),
    ],
)
async def test_what_may_not_be_handed_over_stays(
    ask: Ask,
    work: SubmissionFactory,
    counted: Counted,
    as_: str,
    given: dict[str, Any],
    problem: str,
) -> None:
    db = work.plant.db
    await Factory.make(db, "other", "theirs")
    before, had = await counted(), await list_owners(db)
    found = await transfer_items(ask, as_=as_, **{"from": "anna", **given})
    assert found["__typename"] == problem, found
    assert (await counted(), await list_owners(db)) == (before, had)


@pytest.mark.usefixtures("work")
async def test_who_may_not_sign_in_gets_nothing(ask: Ask) -> None:
    await set_person_active(ask, "sue", active=False)
    assert (await transfer_items(ask, as_="ada", **{"from": "anna"}))["field"] == "to"


def test_the_rule_in_the_database_is_the_table() -> None:
    assert "analysis/analysis/t" in list_grants("launch")
    assert "analysis/analysis/f" not in list_grants("launch")
    assert {"shifter/production/f", "production/analysis/f"} <= set(list_grants("launch"))
    assert list_grants("no such action") == []
