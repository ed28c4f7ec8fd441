"""What the local batch system has and the database says otherwise is told, and repaired when asked."""

import signal

from batch.local import Local
from db import discrepancies, launches
from domain.discrepancies import DiscrepancyKind, Resolution
from domain.jobs import Verb
from tests.plant import Plant
from tests.workers.campaigns import Two, two
from tests.workers.house import House, until, was_stopped
from tests.workers.twins import found, repaired, submitted_again

SOON = {"POMS_RECONCILE_S": "1"}
K = DiscrepancyKind


async def ended(campaign: Two) -> None:
    await until(campaign.done, "the campaign's end", campaign.house)
    await campaign.check()


async def test_an_inert_twin_is_told_and_goes_when_somebody_asks(
    house: House, plant: Plant
) -> None:
    campaign = await two(house, plant)
    house.runner()
    house.worker(**SOON)
    id = await campaign.launch()
    await ended(campaign)
    twin = await submitted_again(Local(house.spool), house, id)
    row = await found(house, K.TWIN)
    assert (row.native_id, row.submission_id, row.jobs, row.started) == (twin, id, 2, False)
    assert row.experiment_id == plant.experiment_id
    await repaired(house, plant.person_id, row.id)
    (cluster,) = [c for c in await Local(house.spool).marked(["poms-"]) if c.native_id == twin]
    assert (cluster.jobs, cluster.started) == (0, False)
    await campaign.check()
    told = "SELECT kind FROM change WHERE kind ^@ 'discrepancy.' ORDER BY position"

    async def both() -> bool:
        kinds = [r["kind"] for r in await house.db.fetch(told)]
        return kinds == ["discrepancy.filed", "discrepancy.repaired"]

    await until(both, "the changes", house)


async def test_a_launcher_that_stalls_past_its_lease_leaves_an_inert_cluster_that_is_told(
    house: House, plant: Plant
) -> None:
    """It submits long after another worker had proof that it had not, and launched again."""
    campaign = await two(house, plant)
    house.runner()
    stalled = house.worker("launch.submit.before=STOP")
    id = await campaign.launch()
    await until(lambda: was_stopped(stalled), "the stop", house)
    house.worker(**SOON)
    await ended(campaign)
    stalled.send_signal(signal.SIGCONT)
    row = await found(house, K.ABANDONED)
    assert (row.submission_id, row.started) == (id, False)
    stalled.kill()
    await repaired(house, plant.person_id, row.id)
    await campaign.check()


async def test_jobs_that_run_though_their_submission_has_ended_are_told(
    house: House, plant: Plant
) -> None:
    stage = await plant.stage("slow", ["/bin/sleep", "60"], kind="generator", patterns=[])
    campaign = Two(house, plant, stage, stage)
    house.runner()
    house.worker(**SOON)
    id = await campaign.launch()
    running = "SELECT state = 'running' FROM submission WHERE id = $1"
    await until(lambda: house.db.fetchval(running, id), "running jobs", house)
    end = "UPDATE submission SET state = 'failed', state_since = now(), ended_at = now() WHERE id = $1"
    await house.db.execute(end, id)
    row = await found(house, K.RUNNING_THOUGH_ENDED)
    assert (row.jobs, row.started) == (1, True)
    await repaired(house, plant.person_id, row.id)


async def test_what_vanished_is_told_and_closed_when_somebody_asks(
    house: House, plant: Plant
) -> None:
    stage = await plant.stage("slow", ["/bin/sleep", "60"], kind="generator", patterns=[])
    campaign = Two(house, plant, stage, stage)
    house.worker(**SOON)
    runner = house.runner()
    id = await campaign.launch()
    idle = "SELECT state IN ('idle', 'running') FROM submission WHERE id = $1"
    await until(lambda: house.db.fetchval(idle, id), "a launched submission", house)
    # Somebody clears the queue folder away.
    runner.send_signal(signal.SIGTERM)
    runner.wait()
    (house.spool / "local/clusters").rename(house.spool / "cleared")
    (house.spool / "local/clusters").mkdir()
    row = await found(house, K.VANISHED)
    assert row.submission_id == id
    await repaired(house, plant.person_id, row.id)
    state = await house.db.fetchrow("SELECT state, jobs_removed FROM submission WHERE id = $1", id)
    assert state is not None
    assert tuple(state) == ("removed", 1)
    assert await house.db.fetchval("SELECT count(*) FROM live_file") == 0


async def test_an_id_that_is_given_again_is_the_new_launchs_once_the_old_one_has_ended(
    house: House, plant: Plant
) -> None:
    stage = await plant.stage("slow", ["/bin/sleep", "60"], kind="generator", patterns=[])
    campaign = Two(house, plant, stage, stage)
    worker, runner = house.worker(**SOON), house.runner()
    old = await campaign.launch()
    running = "SELECT state = 'running' FROM submission WHERE id = $1"
    await until(lambda: house.db.fetchval(running, old), "running jobs", house)
    # All that the batch system knows is lost, with the numbers that it has given.
    for process in (worker, runner):
        process.send_signal(signal.SIGTERM)
        process.wait()
    (house.spool / "local").rename(house.spool / "lost")
    house.runner()
    house.worker(**SOON)
    new = await campaign.launch()
    waits = "SELECT state = 'uncertain' AND reason ~ 'as it called those of' FROM submission WHERE id = $1"
    await until(lambda: house.db.fetchval(waits, new), "the reason", house)
    row = await found(house, K.VANISHED)
    assert (row.submission_id, row.native_id) == (old, "1")
    await repaired(house, plant.person_id, row.id)
    await house.db.execute("UPDATE submission SET lease_until = now() WHERE id = $1", new)
    opened = "SELECT state = 'opened' FROM launch_attempt WHERE submission_id = $1"
    await until(lambda: house.db.fetchval(opened, new), "the new one's gate", house)
    attempts = [await launches.current(house.db, id) for id in (old, new)]
    assert [a and a.native_id for a in attempts] == ["1", "1"]
    ended = "SELECT state, jobs_removed FROM submission WHERE id = $1"
    assert tuple(await house.db.fetchrow(ended, old) or ()) == ("removed", 1)


async def test_an_orphan_holds_launches_back_until_somebody_has_decided(
    house: House, plant: Plant
) -> None:
    campaign = await two(house, plant)
    house.runner()
    worker = house.worker(**SOON)
    id = await campaign.launch()
    await ended(campaign)
    attempt = await launches.current(house.db, id)
    assert attempt is not None
    orphan = await submitted_again(Local(house.spool), house, id, f"{attempt.mark[:-1]}9")
    row = await found(house, K.ORPHAN)
    assert (row.native_id, row.submission_id) == (orphan, id)
    again = await campaign.launch()
    worker.kill()
    # One that looks at the submission, says why, and leaves it.
    house.worker(**SOON)
    waits = "SELECT state = 'new' AND reason ~ 'forgotten' FROM submission WHERE id = $1"
    await until(lambda: house.db.fetchval(waits, again), "the reason", house)
    await discrepancies.dismiss(house.db, row.id, plant.person_id, "known")

    async def launched() -> bool:
        return not await house.db.fetchval(waits, again)

    await until(launched, "the launch", house)
    wanted = discrepancies.Wanted()
    rows = await discrepancies.some(house.db, wanted, 0, 10, newest=False)
    assert [r.resolution for r in rows] == [Resolution.DISMISSED]


async def test_what_has_gone_closes_by_itself(house: House, plant: Plant) -> None:
    campaign = await two(house, plant)
    house.runner()
    house.worker(**SOON)
    id = await campaign.launch()
    await ended(campaign)
    twin = await submitted_again(Local(house.spool), house, id)
    row = await found(house, K.TWIN)
    await Local(house.spool).act(Verb.REMOVE, twin, "by hand")

    async def over() -> bool:
        (now,) = await discrepancies.by_ids(house.db, [row.id])
        return now.resolution is Resolution.GONE and now.resolved_by is None

    await until(over, "the end", house)
