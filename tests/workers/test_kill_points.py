"""Every place before and after an external effect or a commit: workers die there, and nothing changes."""

import json
import signal
from collections.abc import Awaitable, Callable
from uuid import uuid4

import asyncpg
import pytest

from batch.directory import locate_launch_directory
from batch.local import LocalBatchSystem
from db.batch import discrepancies
from db.launching import launches, slices
from db.launching.slice_claims import LaunchRequest
from db.submissions import actions
from domain.submissions.jobs import JobActionVerb
from tests.factories import Factory
from tests.workers.aged import LEFT_OF_OLD, count_old, launch_old, read_archive
from tests.workers.approval_rules import set_rule_of_nobody
from tests.workers.blocked_batch_system import block_batch_system
from tests.workers.campaigns import TwoStageCampaign, make_two_stage_campaign
from tests.workers.credentials import CredentialFolder, build_renewal_command
from tests.workers.duplicate_clusters import submit_again
from tests.workers.house import House, wait_until
from tests.workers.kill_points import EFFECTS, NAMES

Scenario = Callable[[House, Factory, str], Awaitable[None]]
TRIED_AT_ONCE = """
    UPDATE action SET next_try_at = now(), lease_until = lease_until - interval '1 minute' WHERE done_at IS NULL
"""


async def kill_worker_at(house: House, point: str, **settings: str) -> None:
    """Start a worker that kills itself at a place, and see that it did."""
    worker = house.worker(point, **settings)

    async def is_dead() -> bool:
        return worker.poll() is not None

    await wait_until(is_dead, f"a worker's death at {point}", house)
    assert worker.returncode == -signal.SIGKILL, house.read_logs()


async def kill_workers_around(
    house: House, plant: Factory, name: str, in_time: str = "", **settings: str
) -> None:
    """Two workers die, the first before an effect, the second after it.

    `in_time`: a statement after which nobody waits longer for what was begun.
    """
    for side in ("before", "after"):
        await kill_worker_at(house, f"{name}.{side}", **settings)
        if in_time:
            await plant.db.execute(in_time)


async def count_located(plant: Factory) -> int:
    return int(await plant.db.fetchval("SELECT count(*) FROM submission WHERE state = 'located'"))


async def finish_campaign(house: House, campaign: TwoStageCampaign) -> None:
    house.worker()
    await wait_until(campaign.is_done, "the campaign's end", house)
    await campaign.check()


async def run_campaign(house: House, plant: Factory, name: str) -> None:
    campaign = await make_two_stage_campaign(house, plant)
    house.runner()
    await campaign.launch()
    await kill_workers_around(house, plant, name)
    await finish_campaign(house, campaign)


async def run_nothing_submitted(house: House, plant: Factory, name: str) -> None:
    """The first launcher dies before it submits; the second dies while it gives that attempt up."""
    campaign = await make_two_stage_campaign(house, plant)
    house.runner()
    await campaign.launch()
    await kill_worker_at(house, "launch.submit.before")
    await kill_workers_around(house, plant, name)
    await finish_campaign(house, campaign)


async def run_refused(house: House, plant: Factory, name: str) -> None:
    """A batch system that isn't there: the launch fails once, and is recovered as often as it may be."""
    campaign = await make_two_stage_campaign(house, plant)
    await plant.db.execute("UPDATE stage SET batch_system = 'nowhere'")
    await campaign.launch()
    await kill_workers_around(house, plant, name)
    house.worker()

    async def failed() -> bool:
        rows = await plant.db.fetch("SELECT state, advanced_at FROM submission")
        return [r["state"] for r in rows] == ["launch_failed"] * 3 and all(
            r["advanced_at"] for r in rows
        )

    await wait_until(failed, "the failed launch and its two recoveries", house)
    assert await plant.db.fetchval("SELECT sum(unfinished) FROM stage") == 0


async def launch_slow_jobs(house: House, plant: Factory) -> int:
    """A submission of three jobs that would run for a minute; nobody works any more."""
    stage = await plant.stage(
        "slow", ["/bin/sleep", "60"], kind="generator", jobs_per_slice=3, patterns=[]
    )
    outcome = await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id))
    assert outcome.submission is not None
    id = outcome.submission.id
    first = house.worker()
    running = "SELECT state = 'running' FROM submission WHERE id = $1"
    await wait_until(lambda: plant.db.fetchval(running, id), "running jobs", house)
    first.kill()
    return id


async def is_cancelled(house: House, plant: Factory, id: int, name: str) -> asyncpg.Record:
    """Somebody wants it removed, and workers die meanwhile."""
    await actions.request_action(plant.db, id, JobActionVerb.REMOVE, "not wanted", plant.person_id)
    await kill_workers_around(house, plant, name, TRIED_AT_ONCE)
    house.worker()
    cancelled = "SELECT state = 'cancelled' FROM submission WHERE id = $1"
    await wait_until(lambda: plant.db.fetchval(cancelled, id), "the cancelled submission", house)
    row = await plant.db.fetchrow("SELECT jobs_removed, ended_at FROM submission")
    assert row is not None
    return row


async def cancel_at_batch(house: House, plant: Factory, name: str) -> None:
    house.runner()
    row = await is_cancelled(house, plant, await launch_slow_jobs(house, plant), name)
    assert (row["jobs_removed"], bool(row["ended_at"])) == (3, True)


async def cancel_though_lost(house: House, plant: Factory, name: str) -> None:
    """The batch system has lost its queue, and the spool the launch directory: nothing can be removed."""
    runner = house.runner()
    id = await launch_slow_jobs(house, plant)
    attempt = await launches.find_current_attempt(plant.db, id)
    assert attempt is not None
    runner.kill()
    for folder in (house.spool / "local", locate_launch_directory(house.spool, attempt.mark)):
        folder.rename(house.tmp / f"lost.{folder.name}")
    (house.spool / "local/clusters").mkdir(parents=True)
    house.runner()
    row = await is_cancelled(house, plant, id, name)
    assert row["ended_at"]
    assert await plant.db.fetchval("SELECT count(*) FROM live_file") == 0


async def cancel_while_queued(house: House, plant: Factory, name: str) -> None:
    """Somebody cancels what has not been launched."""
    stage = await plant.stage("gen", ["true"], kind="generator", most_unfinished=1)
    for _ in range(2):
        outcome = await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id))
    assert outcome.submission is not None
    await plant.db.execute(
        "UPDATE submission SET batch_system = 'nowhere', lease_until = now() + interval '1 day', "
        "state = 'submitting' WHERE state = 'new'"
    )
    await actions.request_action(
        plant.db, outcome.submission.id, JobActionVerb.REMOVE, "no", plant.person_id
    )
    await kill_workers_around(house, plant, name, TRIED_AT_ONCE)
    house.worker()

    async def ended() -> bool:
        return bool(
            await plant.db.fetchval("SELECT count(*) FROM submission WHERE state = 'cancelled'")
        )

    await wait_until(ended, "the cancelled submission", house)
    assert await plant.db.fetchval("SELECT unfinished FROM stage") == 1


async def run_one_at_a_time(house: House, plant: Factory, name: str) -> None:
    """Two submissions of a stage that takes one: the second waits for the first."""
    stage = await plant.stage(
        "gen", house.job("gen"), kind="generator", most_unfinished=1, patterns=["gen_*"]
    )
    for _ in range(2):
        await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id))
    house.runner()
    await kill_workers_around(house, plant, name)
    house.worker()

    async def both() -> bool:
        return await count_located(plant) == 2

    await wait_until(both, "both submissions", house)
    assert await plant.db.fetchval("SELECT unfinished FROM stage") == 0


async def run_by_clock(house: House, plant: Factory, name: str) -> None:
    """A schedule that was due: one launch, whatever died."""
    stage = await plant.stage("gen", house.job("gen"), kind="generator", patterns=["gen_*"])
    await plant.db.execute(
        "INSERT INTO schedule (stage_id, cron, next_at, person_id) VALUES ($1, '0 0 1 1 *', now(), $2)",
        stage, plant.person_id,
    )  # fmt: skip
    house.runner()
    await kill_workers_around(house, plant, name)
    house.worker()

    async def launched() -> bool:
        return await count_located(plant) == 1

    await wait_until(launched, "the scheduled launch", house)
    assert await plant.db.fetchval("SELECT count(*) FROM submission") == 1
    assert await plant.db.fetchval("SELECT next_at > now() FROM schedule")


async def run_restored(house: House, plant: Factory, name: str) -> None:
    """More was launched, says the spool, than this database knows: it asks first, and goes on."""
    campaign = await make_two_stage_campaign(house, plant)
    house.runner()
    house.spool.mkdir(exist_ok=True)
    told = {"histories": [str(uuid4())], "launches": 7, "submissions": 40_000}
    (house.spool / "launched.json").write_text(json.dumps(told))
    await campaign.launch()
    await kill_workers_around(house, plant, name)
    await finish_campaign(house, campaign)
    assert await plant.db.fetchval("SELECT max(id) FROM submission") > 40_000
    assert await plant.db.fetchval("SELECT count(*) FROM discrepancy") == 0


async def run_with_orphan(house: House, plant: Factory, name: str) -> None:
    """A launch waits until somebody has decided about a cluster that the database doesn't know."""
    campaign = await make_two_stage_campaign(house, plant)
    house.runner()
    first = house.worker(POMS_RECONCILE_S="1")
    id = await campaign.launch()
    await wait_until(campaign.is_done, "the campaign's end", house)
    attempt = await launches.find_current_attempt(plant.db, id)
    assert attempt is not None
    orphan = await submit_again(LocalBatchSystem(house.spool), house, id, f"{attempt.mark[:-1]}9")
    filed = "SELECT id FROM discrepancy WHERE native_id = $1"
    await wait_until(lambda: plant.db.fetchval(filed, orphan), "the orphan", house)
    first.kill()
    id = await campaign.launch()
    await kill_workers_around(house, plant, name)
    assert await plant.db.fetchval("SELECT state FROM submission WHERE id = $1", id) == "new"
    found = await plant.db.fetchval(filed, orphan)
    await discrepancies.dismiss_discrepancy(plant.db, found, plant.person_id, "known")
    house.worker()
    ended = "SELECT ended_at IS NOT NULL FROM submission WHERE id = $1"
    await wait_until(lambda: plant.db.fetchval(ended, id), "the launch", house)


async def repair_duplicate(house: House, plant: Factory, name: str) -> None:
    """Somebody asks that the inert duplicate of a launch be removed."""
    campaign = await make_two_stage_campaign(house, plant)
    house.runner()
    first = house.worker(POMS_RECONCILE_S="1")
    id = await campaign.launch()
    await wait_until(campaign.is_done, "the campaign's end", house)
    duplicate = await submit_again(LocalBatchSystem(house.spool), house, id)
    open_ = "SELECT id FROM discrepancy WHERE native_id = $1 AND resolved_at IS NULL"
    await wait_until(lambda: plant.db.fetchval(open_, duplicate), "the duplicate", house)
    first.kill()
    await discrepancies.request_repair(
        plant.db, await plant.db.fetchval(open_, duplicate), plant.person_id
    )
    asked = "UPDATE discrepancy SET repair_at = now() WHERE repair_at IS NOT NULL"
    await kill_workers_around(house, plant, name, asked)
    house.worker(POMS_RECONCILE_S="1")
    repaired = "SELECT resolution = 'repaired' FROM discrepancy WHERE native_id = $1"
    await wait_until(lambda: plant.db.fetchval(repaired, duplicate), "the repair", house)
    await campaign.check()


async def run_renewed(house: House, plant: Factory, name: str) -> None:
    """A launch that waits for a token which a command gets."""
    made, campaign = (
        await CredentialFolder.make(house, plant, renewal=build_renewal_command(house)),
        await make_two_stage_campaign(house, plant),
    )
    house.runner()
    await campaign.launch()
    under_way = "UPDATE credential SET renewing_until = now()"
    await kill_workers_around(house, plant, name, under_way, **made.settings)
    house.worker(**made.settings)
    await wait_until(campaign.is_done, "the campaign's end", house)
    await campaign.check()
    assert await made.holds()


async def run_looked_at(house: House, plant: Factory, name: str) -> None:
    """Launches that wait until somebody has looked whether anybody has to agree to them."""
    campaign = await make_two_stage_campaign(house, plant)
    await set_rule_of_nobody(plant)
    house.runner()
    id = await campaign.launch()
    assert await plant.db.fetchval("SELECT state FROM submission WHERE id = $1", id) == "queued"
    again = "UPDATE campaign_approval SET rules_version = 0"
    await kill_workers_around(house, plant, name, again)
    await finish_campaign(house, campaign)


async def run_unavailable(house: House, plant: Factory, name: str) -> None:
    """The batch system can't take anything, and then it can."""
    campaign = await make_two_stage_campaign(house, plant)
    house.runner()
    with block_batch_system(house):
        await campaign.launch()
        await kill_workers_around(house, plant, name)
    await finish_campaign(house, campaign)


async def run_failing_settle(house: House, plant: Factory, name: str) -> None:
    """Something about a submission's end raises, and is mended later."""
    campaign = await make_two_stage_campaign(house, plant)
    await plant.db.execute(
        "ALTER TABLE submission ADD CONSTRAINT poison CHECK (state <> 'located')"
    )
    house.runner()
    await campaign.launch()
    again = "UPDATE setback SET next_try_at = now()"
    await kill_workers_around(house, plant, name, again)
    await plant.db.execute("ALTER TABLE submission DROP CONSTRAINT poison")
    await plant.db.execute(again)
    await finish_campaign(house, campaign)
    assert await plant.db.fetchval("SELECT count(*) FROM setback") == 0


async def archive_and_drop(house: House, plant: Factory, name: str) -> None:
    """What is over for long goes into the archive and out of the database, once."""
    await launch_old(plant)
    before, archive = await count_old(plant.db), house.tmp / "archive"
    archive.mkdir()
    settings = {"POMS_KEEP_DAYS": "30", "POMS_ARCHIVE": str(archive)}
    await kill_workers_around(house, plant, name, "UPDATE lease SET until = now()", **settings)
    house.worker(**settings)
    dropped = "SELECT count(*) > 0 FROM archived_part WHERE dropped_at IS NOT NULL"
    await wait_until(lambda: plant.db.fetchval(dropped), "the drop", house)
    assert await count_old(plant.db) == LEFT_OF_OLD
    rows = {parent: len(read_archive(archive, parent)) for parent in before}
    assert rows == {parent: before[parent] - LEFT_OF_OLD[parent] for parent in before}


SCENARIOS: dict[str, Scenario] = {
    "launch.fault": run_unavailable,
    "launch.abandon": run_nothing_submitted,
    "launch.fail": run_refused,
    "credentials.looked": run_renewed,
    "credentials.renew": run_renewed,
    "credentials.renewed": run_renewed,
    "act.cancel": cancel_while_queued,
    "act.batch": cancel_at_batch,
    "act.done": cancel_at_batch,
    "act.cancel_lost": cancel_though_lost,
    "approval.look": run_looked_at,
    "approval.run": run_looked_at,
    "sweep.promote": run_one_at_a_time,
    "schedule.turn": run_by_clock,
    "restore_guard.restore": run_restored,
    "launch.wait": run_with_orphan,
    "repair.do": repair_duplicate,
    "repair.done": repair_duplicate,
    "setback.note": run_failing_settle,
    "retention.publish": archive_and_drop,
    "retention.record": archive_and_drop,
    "retention.drop": archive_and_drop,
}


def test_every_place_has_one_name_and_the_list_is_the_code() -> None:
    assert len(NAMES) == len(set(NAMES))
    assert set(SCENARIOS) <= set(NAMES)
    assert {n.split(".")[0] for n in NAMES} >= {"launch", "watch", "advance", "recover", "relay"}


@pytest.mark.parametrize("name", EFFECTS)
async def test_workers_that_are_killed_here_lose_and_double_nothing(
    house: House, plant: Factory, name: str
) -> None:
    await SCENARIOS.get(name, run_campaign)(house, plant, name)
