"""Recoveries by hand: what is shown is what is launched."""

import asyncio
from typing import Any

import pytest

from db.pool import Pool
from tests.forced_states import force_state
from tests.resolvers.conftest import Answer, Ask
from tests.resolvers.submission_factory import SubmissionFactory

PLAN = """
    query ($id: ID!, $recovery: RecoveryInput, $position: Int, $verdicts: [RecoveryVerdict!]) {
      planRecovery(id: $id, recovery: $recovery, position: $position) {
        __typename
        ... on RecoveryPlan {
          planHash type takenCount totalCount jobs command resources { memoryMb } submission { id }
          counts { verdict isTaken count }
          files(verdicts: $verdicts, first: 2) {
            nodes { verdict isTaken jobId index file { name } } pageInfo { endCursor } }
          units(first: 2) { nodes { number jobId files index } }
        }
        ... on Problem { message }
        ... on Invalid { field }
        ... on NotPossibleNow { state }
      }
    }
"""
LAUNCH = """
    mutation ($id: ID!, $hash: String!, $key: String) {
      launchRecovery(id: $id, planHash: $hash, idempotencyKey: $key) {
        __typename
        ... on Submission {
          id state jobsTotal filesTotal origin { id } createdBy { username } recoveryPosition
          inputs { nodes { file { name } } } configuration
        }
        ... on Problem { message }
        ... on PlanChanged { changes { part previous current } }
      }
    }
"""
TRIES = """
    query ($id: ID!) {
      submission(id: $id) {
        decisionNeeded availableActions
        recoveryAttempts { type position decision takenCount totalCount by { username } recovery { id } }
      }
    }
"""


@pytest.fixture
async def work(db: Pool, hypot: int) -> SubmissionFactory:
    return await SubmissionFactory.make(db)


@pytest.fixture
async def id(work: SubmissionFactory, db: Pool) -> str:
    """A failed submission of four files, of which the third failed and the fourth was not started."""
    row = await work.submission(work.reco, "failed")
    await end_submissions(db)
    await db.execute("UPDATE input_file SET outcome = 'done' WHERE file_id IN (1, 2)")
    await db.execute(
        "UPDATE input_file SET delivery = 'consumed', outcome = 'failed' WHERE file_id = 3"
    )
    return f"submission:{row.id}"


async def end_submissions(db: Pool) -> None:
    await db.execute("DELETE FROM live_file")
    await force_state(db, "completed", "state <> 'located'", also=", holds_files = false")


async def plan_recovery(ask: Ask, id: str, type_: str = "consumed_status", **more: Any) -> Answer:
    variables = {"id": id, "recovery": {"type": type_, **more.pop("recovery", {})}, **more}
    found: Answer = (await ask(PLAN, variables))["planRecovery"]
    return found


async def launch_recovery(ask: Ask, id: str, plan: Answer, **more: Any) -> Answer:
    as_ = more.pop("as_", "anna")
    found: Answer = (await ask(LAUNCH, {"id": id, "hash": plan["planHash"], **more}, as_))[
        "launchRecovery"
    ]
    return found


async def test_a_plan_says_which_files_and_why(ask: Ask, id: str) -> None:
    plan = await plan_recovery(ask, id, verdicts=["WAITING", "DONE"])
    assert (plan["takenCount"], plan["totalCount"], plan["jobs"]) == (2, 4, 2)
    assert plan["counts"] == [
        {"verdict": "WAITING", "isTaken": True, "count": 1},
        {"verdict": "FAILED", "isTaken": True, "count": 1},
        {"verdict": "DONE", "isTaken": False, "count": 2},
    ]
    assert [file["file"]["name"] for file in plan["files"]["nodes"]] == ["f000000", "f000001"]
    assert plan["files"]["nodes"][0]["jobId"] == "job:1.1"
    assert plan["units"]["nodes"] == [
        {"number": 1, "jobId": "job:1.3", "files": 1, "index": None},
        {"number": 2, "jobId": "job:1.4", "files": 1, "index": None},
    ]


async def test_a_plan_changes_nothing_but_that_it_is_kept(ask: Ask, id: str, counted: Any) -> None:
    before = await counted()
    await plan_recovery(ask, id)
    assert await counted() == before | {"launch_plan": 1}


async def test_exactly_what_was_shown_is_launched_once(ask: Ask, id: str, db: Pool) -> None:
    grown = {"factors": {"memoryMb": 1.5}, "overrides": [{"key": "--again=", "value": "yes"}]}
    plan = await plan_recovery(ask, id, recovery=grown)
    assert plan["command"] == ["true", "--again=yes"]
    assert plan["resources"] == {"memoryMb": 3000}
    first, second = await asyncio.gather(
        *(launch_recovery(ask, id, plan, key="k") for _ in range(2))
    )
    assert first == second
    assert (first["state"], first["jobsTotal"], first["filesTotal"]) == ("NEW", 2, 2)
    assert first["origin"] == {"id": id}
    assert [file["file"]["name"] for file in first["inputs"]["nodes"]] == ["f000002", "f000003"]
    assert first["configuration"]["command"] == plan["command"]
    assert first["configuration"]["resources"]["memory_mb"] == 3000
    found = (await ask(TRIES, {"id": id}))["submission"]
    assert found["recoveryAttempts"] == [
        {
            "type": "consumed_status", "position": None, "decision": "LAUNCH", "takenCount": 2, "totalCount": 4,
            "by": {"username": "anna"}, "recovery": {"id": first["id"]},
        }
    ]  # fmt: skip


async def test_what_has_changed_since_is_said_and_nothing_launched(
    ask: Ask, id: str, db: Pool
) -> None:
    plan = await plan_recovery(ask, id)
    await db.execute("UPDATE input_file SET outcome = 'done' WHERE file_id = 4")
    await db.execute("UPDATE job_type SET command = '{false}'")
    found = await launch_recovery(ask, id, plan)
    assert found["__typename"] == "PlanChanged"
    parts = {one["part"]: one for one in found["changes"]}
    assert set(parts) == {"FILES", "COMMAND"}
    assert parts["FILES"]["previous"]["taken_count"] == 2
    assert parts["FILES"]["current"]["taken_count"] == 1
    assert parts["COMMAND"]["current"] == {"command": ["false"]}
    assert await db.fetchval("SELECT count(*) FROM submission") == 1


async def test_a_plan_of_another_submission_or_of_long_ago_is_unknown(
    ask: Ask, id: str, work: SubmissionFactory, db: Pool
) -> None:
    plan = await plan_recovery(ask, id)
    other = await work.submission(work.reco, "failed")
    assert (await launch_recovery(ask, f"submission:{other.id}", plan))[
        "__typename"
    ] == "PlanUnknown"
    await db.execute("UPDATE launch_plan SET expires_at = now()")
    assert (await launch_recovery(ask, id, plan))["__typename"] == "PlanUnknown"


async def test_while_a_part_is_live_nothing_is_recovered(ask: Ask, id: str) -> None:
    plan = await plan_recovery(ask, id)
    made = await launch_recovery(ask, id, plan)
    assert (await launch_recovery(ask, id, plan))["__typename"] == "NotPossibleNow"
    again = await plan_recovery(ask, made["id"])
    assert (again["__typename"], again["state"]) == ("NotPossibleNow", "NEW")


async def test_a_recovery_s_plan_is_that_of_its_family(ask: Ask, id: str, db: Pool) -> None:
    made = await launch_recovery(ask, id, await plan_recovery(ask, id))
    await force_state(db, "completed")
    await end_submissions(db)
    plan = await plan_recovery(ask, made["id"])
    assert plan["submission"] == {"id": id}
    assert [unit["jobId"] for unit in plan["units"]["nodes"]] == ["job:2.1", "job:2.2"]


@pytest.mark.parametrize("state", ["completed", "located", "launch_failed", "cancelled", "removed"])
async def test_whatever_is_over_can_be_recovered_by_hand(
    ask: Ask, id: str, db: Pool, state: str
) -> None:
    await force_state(db, state)
    found = (await ask(TRIES, {"id": id}))["submission"]
    assert "RECOVER" in found["availableActions"]
    assert (await launch_recovery(ask, id, await plan_recovery(ask, id)))[
        "__typename"
    ] == "Submission"


async def test_of_a_generator_the_units_are_shown_by_their_identity(
    ask: Ask, work: SubmissionFactory, db: Pool
) -> None:
    row = await work.submission(work.gen, "completed")
    await db.execute("UPDATE job SET state = 'succeeded', attempt = 1 WHERE number <> 2")
    plan = await plan_recovery(ask, f"submission:{row.id}", verdicts=["WAITING"])
    assert plan["units"]["nodes"] == [{"number": 1, "jobId": "job:1.2", "files": 0, "index": 1}]
    assert [file["index"] for file in plan["files"]["nodes"]] == [1]


async def test_an_entry_of_the_list_is_planned_by_its_position(ask: Ask, id: str, db: Pool) -> None:
    listed = '[{"type": "failed", "factors": {"cpus": 2}}]'
    await db.execute(
        "UPDATE submission SET configuration = jsonb_set(configuration, '{recoveries}', $1::text::jsonb)", listed
    )  # fmt: skip
    plan = (await ask(PLAN, {"id": id, "position": 0}))["planRecovery"]
    assert (plan["type"], plan["takenCount"]) == ("failed", 1)
    assert (await ask(PLAN, {"id": id, "position": 1}))["planRecovery"]["field"] == "position"
    assert (await ask(PLAN, {"id": id}))["planRecovery"]["field"] == "recovery"


async def test_what_is_no_recovery_is_refused(ask: Ask, id: str) -> None:
    assert (await plan_recovery(ask, id, "nonsense"))["field"] == "recovery"
    assert (await plan_recovery(ask, id, recovery={"factors": {"cpus": 0}}))["field"] == "recovery"


async def test_who_may_not_launch_may_look(ask: Ask, id: str) -> None:
    plan = await plan_recovery(ask, id)
    assert (await launch_recovery(ask, id, plan, as_="alan"))["__typename"] == "NotPermitted"
    assert (await launch_recovery(ask, id, plan, as_="sam"))["createdBy"] == {"username": "sam"}
    hidden = (await ask(PLAN, {"id": id, "position": 0}, as_="otto"))["planRecovery"]
    assert hidden["__typename"] == "NotFound"


async def test_of_nothing_there_is_nothing_to_launch(ask: Ask, id: str, db: Pool) -> None:
    await db.execute("UPDATE input_file SET outcome = 'done'")
    plan = await plan_recovery(ask, id)
    assert (plan["takenCount"], plan["jobs"]) == (0, 0)
    assert (await launch_recovery(ask, id, plan))["__typename"] == "NothingToLaunch"


async def test_an_inactive_stage_recovers_nothing(ask: Ask, id: str, db: Pool) -> None:
    await db.execute("UPDATE stage SET active = false")
    assert (await plan_recovery(ask, id))["__typename"] == "NotLaunchable"


async def test_names_that_files_of_the_inputs_have_are_foreseen(
    ask: Ask, db: Pool, id: str, work: SubmissionFactory
) -> None:
    await db.execute('UPDATE job_type SET patterns = \'{"reco_*", "all.root"}\'')
    await db.execute(
        "WITH f AS (INSERT INTO file (experiment_id, name, size, location, submission_id)"
        " VALUES ($1, 'reco_1', 1, '/b', 1) RETURNING id)"
        " INSERT INTO file_parent (child_id, parent_id) SELECT f.id, 1 FROM f",
        work.plant.experiment_id,
    )
    query = PLAN.replace("planHash", "nameWarnings planHash")

    async def warned(type_: str) -> list[str]:
        found = await ask(query, {"id": id, "recovery": {"type": type_}})
        warnings: list[str] = found["planRecovery"]["nameWarnings"]
        return warnings

    twice, outputs = await warned("all")
    assert twice.startswith("Each of 4 jobs is to make all.root")
    assert "such as reco_1, made by submission 1:" in outputs
    # The first input is done, so that this one doesn't take it.
    assert len(await warned("consumed_status")) == 1
