"""What the local batch system has and the database says otherwise is told, and repaired when asked."""

import signal

from batch import ClusterRef
from batch.local import LocalBatchSystem
from db import leases
from db.batch import discrepancies, restores
from db.clock import read_time
from db.launching import launches
from db.submissions import actions
from domain.batch.reconciliation import DiscrepancyFinding
from domain.discrepancies import DiscrepancyKind, Resolution
from domain.submissions.jobs import JobActionVerb
from tests.batch.batch_fixtures import list_processes_with
from tests.factories import Factory
from tests.forced_states import force_state
from tests.workers.campaigns import TwoStageCampaign, make_two_stage_campaign
from tests.workers.duplicate_clusters import find_open, repair_open, submit_again
from tests.workers.house import House, is_stopped, wait_until

SOON = {"POMS_RECONCILE_S": "1"}
K = DiscrepancyKind


async def end_campaign(campaign: TwoStageCampaign) -> None:
    await wait_until(campaign.is_done, "the campaign's end", campaign.house)
    await campaign.check()


async def test_an_inert_duplicate_is_told_and_goes_when_somebody_asks(
    house: House, plant: Factory
) -> None:
    campaign = await make_two_stage_campaign(house, plant)
    house.runner()
    house.worker(**SOON)
    id = await campaign.launch()
    await end_campaign(campaign)
    duplicate = await submit_again(LocalBatchSystem(house.spool), house, id)
    row = await find_open(house, K.DUPLICATE_CLUSTER)
    assert (row.native_id, row.submission_id, row.jobs, row.started) == (duplicate, id, 2, False)
    assert row.experiment_id == plant.experiment_id
    await repair_open(house, plant.person_id, row.id)
    (cluster,) = [
        c
        for c in await LocalBatchSystem(house.spool).list_marked(["poms-"])
        if c.native_id == duplicate
    ]
    assert (cluster.jobs, cluster.started) == (0, False)
    await campaign.check()
    told = "SELECT kind FROM change WHERE kind ^@ 'discrepancy.' ORDER BY position"

    async def both() -> bool:
        kinds = [r["kind"] for r in await house.db.fetch(told)]
        return kinds == ["discrepancy.filed", "discrepancy.repaired"]

    await wait_until(both, "the changes", house)


async def test_a_launcher_that_stalls_past_its_lease_leaves_an_inert_cluster_that_is_told(
    house: House, plant: Factory
) -> None:
    """It submits long after another worker had proof that it had not, and launched again."""
    campaign = await make_two_stage_campaign(house, plant)
    house.runner()
    stalled = house.worker("launch.submit.before=STOP")
    id = await campaign.launch()
    await wait_until(lambda: is_stopped(stalled), "the stop", house)
    house.worker(**SOON)
    await end_campaign(campaign)
    stalled.send_signal(signal.SIGCONT)
    row = await find_open(house, K.ABANDONED)
    assert (row.submission_id, row.started) == (id, False)
    stalled.kill()
    await repair_open(house, plant.person_id, row.id)
    await campaign.check()


async def test_jobs_that_run_though_their_submission_has_ended_are_told(
    house: House, plant: Factory
) -> None:
    stage = await plant.stage("slow", ["/bin/sleep", "60"], kind="generator", patterns=[])
    campaign = TwoStageCampaign(house, plant, stage, stage)
    house.runner()
    house.worker(**SOON)
    id = await campaign.launch()
    running = "SELECT state = 'running' FROM submission WHERE id = $1"
    await wait_until(lambda: house.db.fetchval(running, id), "running jobs", house)
    await force_state(house.db, "failed", "id = $1", id, also=", state_since = now()")
    row = await find_open(house, K.RUNNING_THOUGH_ENDED)
    assert (row.jobs, row.started) == (1, True)
    await repair_open(house, plant.person_id, row.id)


async def test_what_vanished_is_told_and_closed_when_somebody_asks(
    house: House, plant: Factory
) -> None:
    stage = await plant.stage("slow", ["/bin/sleep", "60"], kind="generator", patterns=[])
    campaign = TwoStageCampaign(house, plant, stage, stage)
    house.worker(**SOON)
    runner = house.runner()
    id = await campaign.launch()
    idle = "SELECT state IN ('idle', 'running') FROM submission WHERE id = $1"
    await wait_until(lambda: house.db.fetchval(idle, id), "a launched submission", house)
    # Somebody clears the queue folder away.
    runner.send_signal(signal.SIGTERM)
    runner.wait()
    (house.spool / "local/clusters").rename(house.spool / "cleared")
    (house.spool / "local/clusters").mkdir()
    row = await find_open(house, K.VANISHED)
    assert row.submission_id == id
    await repair_open(house, plant.person_id, row.id)
    state = await house.db.fetchrow("SELECT state, jobs_removed FROM submission WHERE id = $1", id)
    assert state is not None
    assert tuple(state) == ("removed", 1)
    assert await house.db.fetchval("SELECT count(*) FROM live_file") == 0


async def test_a_queue_that_was_lost_hinders_no_new_launch_and_the_old_one_is_closed_when_asked(
    house: House, plant: Factory
) -> None:
    stage = await plant.stage("slow", ["/bin/sleep", "60"], kind="generator", patterns=[])
    campaign = TwoStageCampaign(house, plant, stage, stage)
    worker, runner = house.worker(**SOON), house.runner()
    old = await campaign.launch()
    running = "SELECT state = 'running' FROM submission WHERE id = $1"
    await wait_until(lambda: house.db.fetchval(running, old), "running jobs", house)
    # All that the batch system knows is lost, with the numbers that it has given.
    for process in (worker, runner):
        process.send_signal(signal.SIGTERM)
        process.wait()
    (house.spool / "local").rename(house.spool / "lost")
    house.runner()
    house.worker(**SOON)
    new = await campaign.launch()
    row = await find_open(house, K.VANISHED)
    assert row.submission_id == old
    await repair_open(house, plant.person_id, row.id)
    opened = "SELECT state IN ('opened', 'confirmed') FROM launch_attempt WHERE submission_id = $1"
    await wait_until(lambda: house.db.fetchval(opened, new), "the new one's gate", house)
    attempts = [await launches.find_current_attempt(house.db, id) for id in (old, new)]
    assert [a and (a.native_id or "").partition("@")[0] for a in attempts] == ["1", "1"]
    assert len({a and a.native_id for a in attempts}) == 2
    ended = "SELECT state, jobs_removed FROM submission WHERE id = $1"
    # What its payload has reported is told when it is looked up, before or after somebody asks.
    assert tuple(await house.db.fetchrow(ended, old) or ()) in {("removed", 1), ("failed", 0)}


async def test_a_cancel_of_what_was_lost_has_its_effect(house: House, plant: Factory) -> None:
    stage = await plant.stage("slow", ["/bin/sleep", "600"], kind="generator", patterns=[])
    worker, runner = house.worker(**SOON), house.runner()
    id = await TwoStageCampaign(house, plant, stage, stage).launch()
    running = "SELECT state = 'running' FROM submission WHERE id = $1"
    await wait_until(lambda: house.db.fetchval(running, id), "running jobs", house)
    for process in (worker, runner):
        process.kill()
        process.wait()
    (house.spool / "local").rename(house.spool / "lost")
    house.runner()
    house.worker(**SOON)
    await find_open(house, K.VANISHED)
    await actions.request_action(house.db, id, JobActionVerb.REMOVE, "it is lost", plant.person_id)
    cancelled = "SELECT state = 'cancelled' FROM submission WHERE id = $1"
    await wait_until(lambda: house.db.fetchval(cancelled, id), "the cancel", house)
    assert await house.db.fetchval("SELECT count(*) FROM live_file") == 0
    assert list_processes_with(f"BATCH_LOCAL_SCRATCH={house.spool}") == []


async def test_an_orphan_holds_launches_back_until_somebody_has_decided(
    house: House, plant: Factory
) -> None:
    campaign = await make_two_stage_campaign(house, plant)
    house.runner()
    worker = house.worker(**SOON)
    id = await campaign.launch()
    await end_campaign(campaign)
    attempt = await launches.find_current_attempt(house.db, id)
    assert attempt is not None
    orphan = await submit_again(LocalBatchSystem(house.spool), house, id, f"{attempt.mark[:-1]}9")
    row = await find_open(house, K.ORPHAN)
    assert (row.native_id, row.submission_id) == (orphan, id)
    again = await campaign.launch()
    worker.kill()
    # One that looks at the submission, says why, and leaves it.
    house.worker(**SOON)
    waits = "SELECT state = 'new' AND reason ~ 'forgotten' FROM submission WHERE id = $1"
    await wait_until(lambda: house.db.fetchval(waits, again), "the reason", house)
    await discrepancies.dismiss_discrepancy(house.db, row.id, plant.person_id, "known")

    async def launched() -> bool:
        return not await house.db.fetchval(waits, again)

    await wait_until(launched, "the launch", house)
    wanted = discrepancies.DiscrepancyFilter()
    rows = await discrepancies.list_page(house.db, wanted, 0, 10, newest=False)
    assert [r.resolution for r in rows] == [Resolution.DISMISSED]


async def test_an_orphan_that_is_over_holds_nothing_back_and_its_repair_closes_it(
    house: House, plant: Factory
) -> None:
    campaign = await make_two_stage_campaign(house, plant)
    house.runner()
    house.worker(**SOON)
    id = await campaign.launch()
    await end_campaign(campaign)
    attempt = await launches.find_current_attempt(house.db, id)
    assert attempt is not None
    local = LocalBatchSystem(house.spool)
    orphan = await submit_again(local, house, id, f"{attempt.mark[:-1]}9")
    row = await find_open(house, K.ORPHAN)
    assert row.jobs == 2
    await local.open(ClusterRef(orphan, f"{attempt.mark[:-1]}9"))

    async def over() -> bool:
        (now,) = await discrepancies.find_by_ids(house.db, [row.id])
        return now.jobs == 0 and now.resolution is None and "no launch waits" in now.details

    await wait_until(over, "the orphan's end", house)
    again = await campaign.launch()
    done = "SELECT ended_at IS NOT NULL FROM submission WHERE id = $1"
    await wait_until(lambda: house.db.fetchval(done, again), "the launch", house)
    last = await repair_open(house, plant.person_id, row.id)
    assert "Nothing was left" in last.result_message
    await wait_for_reconciliation(house)
    await wait_for_reconciliation(house)
    rows = await discrepancies.list_page(
        house.db, discrepancies.DiscrepancyFilter(), 0, 10, newest=False
    )
    assert [(r.kind, r.resolution) for r in rows] == [(K.ORPHAN, Resolution.REPAIRED)]


async def wait_for_reconciliation(house: House) -> None:
    """The batch system has been compared with the database after now."""
    now = await house.db.fetchval("SELECT now()")
    later = "SELECT done_at > $1 FROM reconciliation WHERE batch_system = 'local'"
    await wait_until(lambda: house.db.fetchval(later, now), "another look", house)


async def test_an_orphan_holds_launches_to_its_own_batch_system_only(
    house: House, plant: Factory
) -> None:
    """What it has at a batch system that nobody here can ask stays there."""
    campaign = await make_two_stage_campaign(house, plant)
    house.runner()
    await house.db.execute(
        "INSERT INTO discrepancy (kind, batch_system, native_id, mark, jobs, started, details, repair) "
        "VALUES ('orphan', 'elsewhere', '7', 'poms-0000aaaa-1-1', 3, true, '', 'remove')"
    )
    assert "forgotten" in str(await restores.explain_hold(house.db, "elsewhere"))
    house.worker(**SOON)
    await campaign.launch()
    await end_campaign(campaign)


async def test_what_has_gone_closes_by_itself(house: House, plant: Factory) -> None:
    campaign = await make_two_stage_campaign(house, plant)
    house.runner()
    house.worker(**SOON)
    id = await campaign.launch()
    await end_campaign(campaign)
    duplicate = await submit_again(LocalBatchSystem(house.spool), house, id)
    row = await find_open(house, K.DUPLICATE_CLUSTER)
    await LocalBatchSystem(house.spool).act(
        JobActionVerb.REMOVE, ClusterRef(duplicate, row.mark), "by hand"
    )

    async def over() -> bool:
        (now,) = await discrepancies.find_by_ids(house.db, [row.id])
        return now.resolution is Resolution.GONE and now.resolved_by is None

    await wait_until(over, "the end", house)


async def test_what_has_gone_stays_open_until_the_repair_that_was_asked_for_was_tried(
    plant: Factory,
) -> None:
    """A repair ends a submission before it is noted, and a look in between finds nothing any more."""
    db = plant.db
    epoch = await leases.claim(db, "reconcile", "me", 60)
    assert epoch is not None
    found = DiscrepancyFinding(K.VANISHED, "1", "poms-1", None, 1, True, "it is lost")
    (id,) = await discrepancies.file_discrepancies(db, "local", [found])
    await discrepancies.request_repair(db, id, plant.person_id)
    for resolution, resolved_by in ((None, None), (Resolution.REPAIRED, plant.person_id)):
        async with db.acquire() as conn, conn.transaction():
            await discrepancies.record_reconciliation(
                conn, "local", ("reconcile", epoch), await read_time(db), []
            )
        (row,) = await discrepancies.find_by_ids(db, [id])
        assert (row.resolution, row.resolved_by) == (resolution, resolved_by)
        await discrepancies.record_repair(db, id, "closed")
