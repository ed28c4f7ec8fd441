"""Recoveries by themselves, entry by entry: what came of each is written down."""

from typing import Any

import pytest

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from db.recovery import recoveries, recovery_attempts
from db.submissions import job_driven_transitions, recovery_chain
from db.submissions.submissions import Submission
from domain.changes import ServicePart
from domain.recovery.recovery_decisions import RecoveryDecision
from domain.setup.recovery_rules import RecoveryRule
from tests.factories import Factory
from tests.forced_states import force_state
from tests.workers.house import House, wait_until
from workers import advance, recover

FILES = 10


async def make_ended(
    plant: Factory, entries: list[dict[str, Any]], state: str = "completed"
) -> int:
    """A submission of ten files that is over, the first three of them failed."""
    raw = await plant.dataset("raw")
    await plant.rows(raw, FILES)
    stage = await plant.stage("reco", ["true"], dataset_id=raw, recoveries=entries)
    found = await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id))
    assert found.submission, found
    await end_submission(plant, state)
    await plant.db.execute(
        "UPDATE input_file SET outcome = CASE WHEN file_id < 4 THEN 'failed' ELSE 'done' END::outcome,"
        " delivery = 'consumed'"
    )
    return found.submission.id


async def end_submission(plant: Factory, state: str) -> None:
    await plant.db.execute("DELETE FROM live_file")
    also = ", check_at = now(), holds_files = false"
    await force_state(plant.db, state, "ended_at IS NULL", also=also)


async def launch_next_recovery(plant: Factory, id: int) -> Submission | None:
    async with plant.db.acquire() as conn, conn.transaction():
        family = await recovery_chain.lock_members(conn, id)
        return await recover.launch_next_recovery(conn, family[-1], family)


async def list_results(plant: Factory, id: int) -> list[tuple[str, RecoveryDecision]]:
    return [
        (one.type, one.decision) for one in await recovery_attempts.list_by_origins(plant.db, [id])
    ]


async def test_fact_27_of_a_first_type_with_nothing_the_second_is_launched_at_once(
    plant: Factory,
) -> None:
    id = await make_ended(plant, [{"type": "delivered_not_consumed"}, {"type": "failed"}])
    made = await launch_next_recovery(plant, id)
    assert made
    assert (made.files, made.recovery_position) == (3, 1)
    assert await list_results(plant, id) == [
        ("delivered_not_consumed", RecoveryDecision.NOTHING), ("failed", RecoveryDecision.LAUNCH)
    ]  # fmt: skip


async def test_fact_26_an_empty_recovery_is_not_launched_and_written_down(plant: Factory) -> None:
    id = await make_ended(plant, [{"type": "delivered_not_consumed"}])
    assert await launch_next_recovery(plant, id) is None
    assert await list_results(plant, id) == [("delivered_not_consumed", RecoveryDecision.NOTHING)]


async def test_an_entry_runs_once_on_the_same_files(plant: Factory) -> None:
    """Facts §4: POMS ran the first entry twice."""
    id = await make_ended(plant, [{"type": "failed"}])
    assert await launch_next_recovery(plant, id)
    await plant.db.execute(
        "UPDATE input_file SET outcome = 'failed', delivery = 'consumed' WHERE submission_id > $1", id
    )  # fmt: skip
    await end_submission(plant, "completed")
    assert await launch_next_recovery(plant, id) is None
    assert await list_results(plant, id) == [("failed", RecoveryDecision.LAUNCH)]


async def test_beyond_its_most_share_a_person_is_asked_once_and_nothing_follows(
    plant: Factory,
) -> None:
    id = await make_ended(
        plant, [{"type": "failed", "most_share": 20}, {"type": "consumed_status"}]
    )
    assert await launch_next_recovery(plant, id) is None
    assert await list_results(plant, id) == [("failed", RecoveryDecision.TOO_MUCH)]
    asks = await plant.db.fetchval("SELECT decision_needed FROM submission")
    assert asks.startswith("failed would do 3 of 10 again, and by itself at most 20 %")
    told = "SELECT body FROM change_inbox WHERE kind = 'submission.decision_needed'"
    assert len(await plant.db.fetch(told)) == 1


async def test_below_its_least_share_an_entry_gives_way_to_the_next(plant: Factory) -> None:
    id = await make_ended(
        plant, [{"type": "failed", "least_share": 40}, {"type": "consumed_status"}]
    )
    made = await launch_next_recovery(plant, id)
    assert made
    assert made.recovery_position == 1
    assert await list_results(plant, id) == [
        ("failed", RecoveryDecision.TOO_LITTLE), ("consumed_status", RecoveryDecision.LAUNCH)
    ]  # fmt: skip


async def test_each_round_asks_for_more_memory(plant: Factory) -> None:
    entry = {"type": "failed", "rounds": 2, "factors": {"memory_mb": 2}}
    id = await make_ended(plant, [entry])
    asked = []
    for _ in range(2):
        made = await launch_next_recovery(plant, id)
        assert made
        asked.append(made.runs_with.resources.memory_mb)
        await plant.db.execute("UPDATE input_file SET outcome = 'failed' WHERE outcome = 'none'")
        await end_submission(plant, "completed")
    assert asked == [4000, 8000]


@pytest.mark.parametrize("state", ["failed", "launch_failed"])
async def test_what_failed_is_recovered_too(plant: Factory, state: str) -> None:
    id = await make_ended(plant, [{"type": "consumed_status"}], state)
    assert await launch_next_recovery(plant, id)


@pytest.mark.parametrize("state", ["cancelled", "removed"])
async def test_what_somebody_ended_is_not_recovered_by_itself(plant: Factory, state: str) -> None:
    id = await make_ended(plant, [{"type": "consumed_status"}], state)
    assert await launch_next_recovery(plant, id) is None
    assert await list_results(plant, id) == []


async def test_after_a_recovery_by_hand_no_entry_follows_by_itself(
    plant: Factory, db: Pool
) -> None:
    id = await make_ended(plant, [{"type": "failed"}])
    made = await launch_next_recovery(plant, id)
    assert made
    await db.execute("UPDATE submission SET recovery_position = NULL, round = NULL")
    await end_submission(plant, "completed")
    assert await launch_next_recovery(plant, id) is None


@pytest.mark.parametrize("completion", ["complete", "located"])
@pytest.mark.parametrize("state", ["failed", "launch_failed", "cancelled", "removed"])
async def test_what_its_recoveries_made_up_for_is_located(
    plant: Factory, state: str, completion: str
) -> None:
    id = await make_ended(plant, [{"type": "failed"}], state)
    config = {"completion": completion, "patterns": ["*"]}
    await plant.db.execute("UPDATE submission SET configuration = configuration || $1", config)
    assert await settle_origin(plant, id) == state
    assert await launch_by_hand(plant, id)
    await end_submission(plant, "failed")
    assert await settle_origin(plant, id) == state
    assert await launch_by_hand(plant, id)
    await plant.db.execute("UPDATE input_file SET outcome = 'done' WHERE submission_id = 3")
    await end_submission(plant, "completed")
    if completion == "located":
        assert await settle_origin(plant, id) == state
        await locate_all(plant)
    assert await settle_origin(plant, id) == "located"


async def settle_origin(plant: Factory, id: int) -> str:
    """The state of the origin, after a look at it."""
    await plant.db.execute("UPDATE submission SET advanced_at = now()")
    async with plant.db.acquire() as conn, conn.transaction():
        assert not await advance.settle_submission(
            conn, (await recovery_chain.lock_members(conn, id))[-1]
        )
    return str(await plant.db.fetchval("SELECT state FROM submission WHERE id = $1", id))


async def launch_by_hand(plant: Factory, id: int) -> Submission | None:
    family = await recovery_chain.list_members(plant.db, id)
    ready = await recoveries.prepare_recovery(plant.db, family, RecoveryRule("consumed_status"))
    assert isinstance(ready, recoveries.PreparedRecovery)
    return await recoveries.launch_recovery(plant.db, ready, None)


async def locate_all(plant: Factory) -> None:
    """An output of each file that was done."""
    await plant.db.execute(
        "INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, parents, state)"
        " SELECT submission_id, number, 1, 'of ' || file_id, '', 0, '', ARRAY[file_id], 'located'"
        "  FROM input_file WHERE outcome = 'done'"
    )


async def test_a_recovery_by_hand_runs_and_its_origin_is_located(
    house: House, plant: Factory
) -> None:
    stage = await plant.stage(
        "gen", house.job("gen", "1", "3"), kind="generator", jobs_per_slice=4, patterns=["gen_*"]
    )
    await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id))
    house.runner()
    house.worker()

    async def state(wanted: str) -> bool:
        found = "SELECT state = $1 AND advanced_at IS NOT NULL FROM submission WHERE id = 1"
        return bool(await plant.db.fetchval(found, wanted))

    await wait_until(lambda: state("failed"), "the origin's end", house)
    made = await launch_by_hand(plant, 1)
    assert made
    assert made.jobs == 2
    await wait_until(lambda: state("located"), "the origin to be located", house)
    names = await plant.db.fetch("SELECT name FROM output_file WHERE state = 'located' ORDER BY 1")
    assert [row["name"] for row in names] == [f"gen_{n}.txt" for n in range(4)]


async def test_a_late_report_brings_nothing_back(plant: Factory) -> None:
    """Fact 33, in the database."""
    id = await make_ended(plant, [])
    await plant.db.execute("UPDATE submission SET jobs = jobs + 1, jobs_running = 1")
    async with plant.db.acquire() as conn, conn.transaction():
        assert await job_driven_transitions.apply_job_states(conn, [id], ServicePart.WATCH) == []
