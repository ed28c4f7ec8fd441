"""Every place before and after an external effect or a commit: workers die there, and nothing changes."""

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest

from batch.local import Local
from db import actions, discrepancies, launches, slices
from db.taking import Asked
from domain.jobs import Verb
from tests.plant import Plant
from tests.workers.campaigns import Two, two
from tests.workers.credentials import Pass, renewal
from tests.workers.gates import blocked
from tests.workers.house import House, until
from tests.workers.places import EFFECTS, NAMES
from tests.workers.twins import submitted_again

Scenario = Callable[[House, Plant, str], Awaitable[None]]


async def dies_at(house: House, point: str, **settings: str) -> None:
    """Start a worker that kills itself at a place, and see that it did."""
    worker = house.worker(point, **settings)
    async with asyncio.timeout(60):
        while worker.poll() is None:
            await asyncio.sleep(0.02)
    assert worker.returncode == -signal.SIGKILL, house.said()


async def dies_around(
    house: House, plant: Plant, name: str, in_time: str = "", **settings: str
) -> None:
    """Two workers die, the first before an effect, the second after it.

    `in_time`: a statement after which nobody waits longer for what was begun.
    """
    for side in ("before", "after"):
        await dies_at(house, f"{name}.{side}", **settings)
        if in_time:
            await plant.db.execute(in_time)


async def located(plant: Plant) -> int:
    return int(await plant.db.fetchval("SELECT count(*) FROM submission WHERE state = 'located'"))


async def finish(house: House, campaign: Two) -> None:
    house.worker()
    await until(campaign.done, "the campaign's end", house)
    await campaign.check()


async def the_campaign(house: House, plant: Plant, name: str) -> None:
    campaign = await two(house, plant)
    house.runner()
    await campaign.launch()
    await dies_around(house, plant, name)
    await finish(house, campaign)


async def nothing_was_submitted(house: House, plant: Plant, name: str) -> None:
    """The first launcher dies before it submits; the second dies while it gives that attempt up."""
    campaign = await two(house, plant)
    house.runner()
    await campaign.launch()
    await dies_at(house, "launch.submit.before")
    await dies_around(house, plant, name)
    await finish(house, campaign)


async def refused(house: House, plant: Plant, name: str) -> None:
    """A batch system that isn't there: the launch fails once, and is recovered as often as it may be."""
    campaign = await two(house, plant)
    await plant.db.execute("UPDATE stage SET batch_system = 'nowhere'")
    await campaign.launch()
    await dies_around(house, plant, name)
    house.worker()

    async def failed() -> bool:
        rows = await plant.db.fetch("SELECT state, advanced_at FROM submission")
        return [r["state"] for r in rows] == ["launch_failed"] * 3 and all(
            r["advanced_at"] for r in rows
        )

    await until(failed, "the failed launch and its two recoveries", house)
    assert await plant.db.fetchval("SELECT sum(unfinished) FROM stage") == 0


async def cancelled_at_batch(house: House, plant: Plant, name: str) -> None:
    """Somebody removes jobs that would run for a minute."""
    stage = await plant.stage(
        "slow", ["/bin/sleep", "60"], kind="generator", jobs_per_slice=3, patterns=[]
    )
    house.runner()
    outcome = await slices.launch_next(plant.db, stage, Asked(plant.person_id))
    assert outcome.submission is not None
    id = outcome.submission.id
    first = house.worker()

    async def state(*wanted: str) -> bool:
        return await plant.db.fetchval("SELECT state FROM submission WHERE id = $1", id) in wanted

    await until(lambda: state("running"), "running jobs", house)
    first.kill()
    await actions.ask(plant.db, id, Verb.REMOVE, "not wanted", plant.person_id)
    asked = "UPDATE action SET try_at = now() WHERE done_at IS NULL"
    await dies_around(house, plant, name, asked)
    house.worker()
    await until(lambda: state("cancelled"), "the cancelled submission", house)
    row = await plant.db.fetchrow("SELECT jobs_removed, ended_at FROM submission")
    assert row is not None
    assert (row["jobs_removed"], bool(row["ended_at"])) == (3, True)


async def cancelled_while_queued(house: House, plant: Plant, name: str) -> None:
    """Somebody cancels what has not been launched."""
    stage = await plant.stage("gen", ["true"], kind="generator", most_unfinished=1)
    for _ in range(2):
        outcome = await slices.launch_next(plant.db, stage, Asked(plant.person_id))
    assert outcome.submission is not None
    await plant.db.execute(
        "UPDATE submission SET batch_system = 'nowhere', lease_until = now() + interval '1 day', "
        "state = 'submitting' WHERE state = 'new'"
    )
    await actions.ask(plant.db, outcome.submission.id, Verb.REMOVE, "no", plant.person_id)
    asked = "UPDATE action SET try_at = now() WHERE done_at IS NULL"
    await dies_around(house, plant, name, asked)
    house.worker()

    async def ended() -> bool:
        return bool(
            await plant.db.fetchval("SELECT count(*) FROM submission WHERE state = 'cancelled'")
        )

    await until(ended, "the cancelled submission", house)
    assert await plant.db.fetchval("SELECT unfinished FROM stage") == 1


async def one_at_a_time(house: House, plant: Plant, name: str) -> None:
    """Two submissions of a stage that takes one: the second waits for the first."""
    stage = await plant.stage(
        "gen", house.job("gen"), kind="generator", most_unfinished=1, patterns=["gen_*"]
    )
    for _ in range(2):
        await slices.launch_next(plant.db, stage, Asked(plant.person_id))
    house.runner()
    await dies_around(house, plant, name)
    house.worker()

    async def both() -> bool:
        return await located(plant) == 2

    await until(both, "both submissions", house)
    assert await plant.db.fetchval("SELECT unfinished FROM stage") == 0


async def by_the_clock(house: House, plant: Plant, name: str) -> None:
    """A schedule that was due: one launch, whatever died."""
    stage = await plant.stage("gen", house.job("gen"), kind="generator", patterns=["gen_*"])
    await plant.db.execute(
        "INSERT INTO schedule (stage_id, cron, next_at, person_id) VALUES ($1, '0 0 1 1 *', now(), $2)",
        stage, plant.person_id,
    )  # fmt: skip
    house.runner()
    await dies_around(house, plant, name)
    house.worker()

    async def launched() -> bool:
        return await located(plant) == 1

    await until(launched, "the scheduled launch", house)
    assert await plant.db.fetchval("SELECT count(*) FROM submission") == 1
    assert await plant.db.fetchval("SELECT next_at > now() FROM schedule")


async def restored(house: House, plant: Plant, name: str) -> None:
    """More was launched, says the spool, than this database knows: it asks first, and goes on."""
    campaign = await two(house, plant)
    house.runner()
    house.spool.mkdir(exist_ok=True)
    told = {"histories": [str(uuid4())], "launches": 7, "submissions": 40_000}
    (house.spool / "launched.json").write_text(json.dumps(told))
    await campaign.launch()
    await dies_around(house, plant, name)
    await finish(house, campaign)
    assert await plant.db.fetchval("SELECT max(id) FROM submission") > 40_000
    assert await plant.db.fetchval("SELECT count(*) FROM discrepancy") == 0


async def an_orphan_is_there(house: House, plant: Plant, name: str) -> None:
    """A launch waits until somebody has decided about a cluster that the database doesn't know."""
    campaign = await two(house, plant)
    house.runner()
    first = house.worker(POMS_RECONCILE_S="1")
    id = await campaign.launch()
    await until(campaign.done, "the campaign's end", house)
    attempt = await launches.current(plant.db, id)
    assert attempt is not None
    orphan = await submitted_again(Local(house.spool), house, id, f"{attempt.mark[:-1]}9")
    filed = "SELECT id FROM discrepancy WHERE native_id = $1"
    await until(lambda: plant.db.fetchval(filed, orphan), "the orphan", house)
    first.kill()
    id = await campaign.launch()
    await dies_around(house, plant, name)
    assert await plant.db.fetchval("SELECT state FROM submission WHERE id = $1", id) == "new"
    found = await plant.db.fetchval(filed, orphan)
    await discrepancies.dismiss(plant.db, found, plant.person_id, "known")
    house.worker()
    ended = "SELECT ended_at IS NOT NULL FROM submission WHERE id = $1"
    await until(lambda: plant.db.fetchval(ended, id), "the launch", house)


async def a_twin_is_repaired(house: House, plant: Plant, name: str) -> None:
    """Somebody asks that the inert twin of a launch be removed."""
    campaign = await two(house, plant)
    house.runner()
    first = house.worker(POMS_RECONCILE_S="1")
    id = await campaign.launch()
    await until(campaign.done, "the campaign's end", house)
    twin = await submitted_again(Local(house.spool), house, id)
    open_ = "SELECT id FROM discrepancy WHERE native_id = $1 AND resolved_at IS NULL"
    await until(lambda: plant.db.fetchval(open_, twin), "the twin", house)
    first.kill()
    await discrepancies.ask(plant.db, await plant.db.fetchval(open_, twin), plant.person_id)
    asked = "UPDATE discrepancy SET repair_at = now() WHERE repair_at IS NOT NULL"
    await dies_around(house, plant, name, asked)
    house.worker(POMS_RECONCILE_S="1")
    repaired = "SELECT resolution = 'repaired' FROM discrepancy WHERE native_id = $1"
    await until(lambda: plant.db.fetchval(repaired, twin), "the repair", house)
    await campaign.check()


async def renewed(house: House, plant: Plant, name: str) -> None:
    """A launch that waits for a token which a command gets."""
    made, campaign = await Pass.make(house, plant, renewal=renewal(house)), await two(house, plant)
    house.runner()
    await campaign.launch()
    under_way = "UPDATE credential SET renewing_until = now()"
    await dies_around(house, plant, name, under_way, **made.settings)
    house.worker(**made.settings)
    await until(campaign.done, "the campaign's end", house)
    await campaign.check()
    assert await made.holds()


async def unavailable(house: House, plant: Plant, name: str) -> None:
    """The batch system can't take anything, and then it can."""
    campaign = await two(house, plant)
    house.runner()
    with blocked(house):
        await campaign.launch()
        await dies_around(house, plant, name)
    await finish(house, campaign)


SCENARIOS: dict[str, Scenario] = {
    "launch.fault": unavailable,
    "launch.abandon": nothing_was_submitted,
    "launch.fail": refused,
    "credentials.looked": renewed,
    "credentials.renew": renewed,
    "credentials.renewed": renewed,
    "act.cancel": cancelled_while_queued,
    "act.batch": cancelled_at_batch,
    "act.done": cancelled_at_batch,
    "sweep.promote": one_at_a_time,
    "schedule.turn": by_the_clock,
    "memory.restore": restored,
    "launch.wait": an_orphan_is_there,
    "repair.do": a_twin_is_repaired,
    "repair.done": a_twin_is_repaired,
}


def test_every_place_has_one_name_and_the_list_is_the_code() -> None:
    assert len(NAMES) == len(set(NAMES))
    assert set(SCENARIOS) <= set(NAMES)
    assert {n.split(".")[0] for n in NAMES} >= {"launch", "watch", "advance", "recover", "relay"}


@pytest.mark.parametrize("name", EFFECTS)
async def test_workers_that_are_killed_here_lose_and_double_nothing(
    house: House, plant: Plant, name: str
) -> None:
    await SCENARIOS.get(name, the_campaign)(house, plant, name)
