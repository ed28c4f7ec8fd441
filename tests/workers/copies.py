"""A database is copied to a second installation beside the live batch system: the copy touches nothing of it."""

from pathlib import Path

from db.batch import installations
from db.launching import launches
from db.pool import Pool, open_pool
from db.submissions import actions
from domain.batch.installations import EMPTY, InstallationAnswer
from domain.submissions.jobs import JobActionVerb
from tests.factories import Factory
from tests.workers.campaigns import TwoStageCampaign
from tests.workers.house import House, wait_until
from tests.workers.restores import (
    LIKE,
    SMALL,
    WITHIN_S,
    list_discrepancies,
    read_planted,
    restore_later,
)

SOON = {"POMS_RECONCILE_S": "1"}
WAITS = 'while [ ! -e "$0" ]; do sleep 0.2; done'


async def make_waiting_campaign(campaign: TwoStageCampaign, go: Path) -> TwoStageCampaign:
    """A stage on the same batch system, whose jobs run until a file is there."""
    plant = campaign.plant
    command = ["/bin/sh", "-c", WAITS, str(go)]
    stage = await plant.stage("slow", command, kind="generator", patterns=[], resources=SMALL)
    await plant.db.execute(LIKE, stage, campaign.generate)
    return TwoStageCampaign(campaign.house, plant, stage, stage)


async def is_told_from_its_original(campaign: TwoStageCampaign, copy: House) -> None:
    house, go = campaign.house, campaign.house.programs / "go"
    slow = await make_waiting_campaign(campaign, go)
    house.worker(**SOON)
    id = await slow.launch()
    await wait_until(lambda: is_in(house.db, id, "running"), "running jobs", house, WITHIN_S)
    restore = restore_later(house.database_url, copy.database_url)
    unheard = await slow.launch()
    await wait_until(lambda: is_in(house.db, unheard, "running"), "more jobs", house, WITHIN_S)

    restore()
    copy.db = await open_pool(copy.database_url)
    try:
        copy.worker(**SOON)
        await wait_until(lambda: is_asked(copy.db, EMPTY), "the question", copy)
        plant = Factory(copy.db, *read_planted(campaign.plant))
        again = TwoStageCampaign(copy, plant, slow.generate, slow.process)
        new = await again.launch()
        await actions.request_action(copy.db, id, JobActionVerb.REMOVE, "not here", plant.person_id)
        await wait_until(lambda: is_waiting_for_answer(copy.db, new), "the reason", copy)

        assert await installations.record_answer(copy.db, InstallationAnswer.COPY, plant.person_id)
        await wait_until(lambda: is_settled(copy.db), "the end of the doubt", copy)
        assert await is_in(copy.db, id, "removed")
        assert await is_in(copy.db, new, "cancelled")
        own = await again.launch()
        began = ("idle", "running")  # a small pool has no room for more
        await wait_until(lambda: is_in(copy.db, own, *began), "jobs of its own", copy, WITHIN_S)
        await wait_for_reconciliation(copy)
        assert await list_discrepancies(copy.db) == []
        assert await find_mark(house.db, id) == await find_mark(copy.db, id)
        assert (await find_mark(copy.db, own)).split("-")[1] != (
            await find_mark(copy.db, id)
        ).split("-")[1]
        go.touch()
        await wait_until(
            lambda: is_in(copy.db, own, "completed", "located"), "their end", copy, WITHIN_S
        )
    finally:
        copy.db.terminate()
    ended = "SELECT bool_and(state IN ('completed', 'located')) FROM submission"
    await wait_until(lambda: house.db.fetchval(ended), "the end", house, WITHIN_S)
    assert await list_discrepancies(house.db) == []


async def is_in(db: Pool, id: int, *states: str) -> bool:
    return await db.fetchval("SELECT state FROM submission WHERE id = $1", id) in states


async def is_asked(db: Pool, why: str) -> bool:
    found = await installations.find(db)
    return (found.why, found.is_answerable) == (why, True)


async def is_settled(db: Pool) -> bool:
    return (await installations.find(db)).why is None


async def is_waiting_for_answer(db: Pool, id: int) -> bool:
    waits = (
        "SELECT state = 'new' AND reason ~ 'its spool is a new one' FROM submission WHERE id = $1"
    )
    return bool(await db.fetchval(waits, id))


async def find_mark(db: Pool, id: int) -> str:
    attempt = await launches.find_current_attempt(db, id)
    assert attempt is not None
    return attempt.mark


async def wait_for_reconciliation(house: House) -> None:
    """The batch systems have been compared with the database after now."""
    now = await house.db.fetchval("SELECT now()")
    later = "SELECT bool_and(done_at > $1) FROM reconciliation"
    await wait_until(lambda: house.db.fetchval(later, now), "another look", house)
