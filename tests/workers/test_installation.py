"""An installation that finds itself elsewhere asks whether it was moved or copied, before it touches anything."""

import asyncio
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from db.batch import installations
from db.pool import open_pool
from domain.batch.installations import ELSEWHERE, EMPTY, InstallationAnswer
from tests.factories import Factory
from tests.workers.campaigns import TwoStageCampaign, make_two_stage_campaign
from tests.workers.copies import SOON, is_asked, is_in, is_settled, is_told_from_its_original
from tests.workers.house import House, Worker, wait_until
from tests.workers.restores import restore_later, wait_for_end
from workers.installation import AWAY, OTHERS

HISTORY = "SELECT history_id FROM change_head"


async def test_a_copied_database_touches_nothing_of_its_original(
    house: House, plant: Factory, empty_database_url: str
) -> None:
    campaign = await make_two_stage_campaign(house, plant)
    copy = replace(house, database_url=empty_database_url, tmp=house.tmp / "copy")
    copy.tmp.mkdir()
    open_programs(copy, house)
    house.runner()
    copy.runner()
    await is_told_from_its_original(campaign, copy)


def open_programs(house: House, other: House) -> None:
    """Its jobs are the same programs, and may read them, as another's."""
    (house.tmp / "programs").symlink_to(other.programs)


@pytest.fixture
async def campaign(house: House, plant: Factory) -> TwoStageCampaign:
    """One that has run; its worker and runner have ended."""
    made = await make_two_stage_campaign(house, plant)
    processes = [house.runner(), house.worker(**SOON)]
    await made.launch()
    await wait_until(made.is_done, "the campaign's end", house)
    for process in processes:
        await wait_for_end(process)
    return made


def make_other_house(house: House) -> House:
    found = replace(house, tmp=house.tmp / "elsewhere")
    found.tmp.mkdir()
    open_programs(found, house)
    return found


def copy_spool(spool: Path, to: Path) -> None:
    subprocess.run(["cp", "-a", spool, to], check=True)


async def check_goes_on(campaign: TwoStageCampaign, house: House) -> None:
    house.runner()
    id = await campaign.launch()
    await wait_until(lambda: is_in(house.db, id, "completed", "located"), "the launch", house)


async def test_a_spool_that_was_moved_is_the_same(campaign: TwoStageCampaign) -> None:
    moved = make_other_house(campaign.house)
    campaign.house.spool.rename(moved.spool)
    history = await moved.db.fetchval(HISTORY)
    moved.worker(**SOON)
    await check_goes_on(campaign, moved)
    assert await moved.db.fetchval(HISTORY) == history
    assert await is_settled(moved.db)


@pytest.mark.parametrize("answer", InstallationAnswer)
async def test_a_spool_that_was_copied_waits_for_the_answer(
    campaign: TwoStageCampaign, answer: InstallationAnswer
) -> None:
    copy = make_other_house(campaign.house)
    copy_spool(campaign.house.spool, copy.spool)
    history = await copy.db.fetchval(HISTORY)
    copy.worker(**SOON)
    await wait_until(lambda: is_asked(copy.db, ELSEWHERE), "the question", copy)
    id = await campaign.launch()
    waits = "SELECT reason ~ 'moved or copied' FROM submission WHERE id = $1"
    await wait_until(lambda: copy.db.fetchval(waits, id), "the reason", copy)
    await installations.record_answer(copy.db, answer, campaign.plant.person_id)
    await wait_until(lambda: is_settled(copy.db), "the end of the doubt", copy)
    is_copy = answer is InstallationAnswer.COPY
    assert (await copy.db.fetchval(HISTORY) != history) == is_copy
    copy.runner()
    end = ("cancelled",) if is_copy else ("completed", "located")
    await wait_until(lambda: is_in(copy.db, id, *end), "what follows", copy)
    assert await copy.db.fetchval("SELECT count(*) FROM past_history") == 0


async def test_an_installation_that_moves_to_a_new_spool_begins_a_new_history(
    campaign: TwoStageCampaign,
) -> None:
    new = make_other_house(campaign.house)
    new.spool.mkdir()
    new.worker(**SOON)
    await wait_until(lambda: is_asked(new.db, EMPTY), "the question", new)
    await installations.record_answer(new.db, InstallationAnswer.MOVED, campaign.plant.person_id)
    await wait_until(lambda: is_settled(new.db), "the end of the doubt", new)
    await check_goes_on(campaign, new)
    assert await new.db.fetchval("SELECT count(*) FROM past_history") == 1


async def test_an_answer_outlives_a_worker_that_dies_over_it(campaign: TwoStageCampaign) -> None:
    copy = make_other_house(campaign.house)
    copy_spool(campaign.house.spool, copy.spool)
    first = copy.worker("installation.record.before", **SOON)
    await wait_until(lambda: is_asked(copy.db, ELSEWHERE), "the question", copy)
    await installations.record_answer(copy.db, InstallationAnswer.COPY, campaign.plant.person_id)
    assert await asyncio.to_thread(first.wait, 30) == -signal.SIGKILL
    assert not await is_settled(copy.db)
    copy.worker(**SOON)
    await wait_until(lambda: is_settled(copy.db), "the end of the doubt", copy)
    await check_goes_on(campaign, copy)


async def test_two_databases_do_not_use_one_spool_at_once(
    campaign: TwoStageCampaign, empty_database_url: str
) -> None:
    """What was restored goes on by itself once the workers of the other database have ended."""
    house = campaign.house
    restore_later(house.database_url, empty_database_url)()
    other = replace(house, database_url=empty_database_url, db=await open_pool(empty_database_url))
    try:
        worker = house.worker(**SOON)
        await wait_until(lambda: is_holding_spool(worker, house), "the first one's hold", house)
        other.worker(**SOON)
        why = "SELECT why FROM installation_doubt"
        await wait_until(lambda: other.db.fetchval(why), "the reason", other)
        assert await other.db.fetchval(why) == OTHERS
        assert not await installations.record_answer(
            other.db, InstallationAnswer.COPY, campaign.plant.person_id
        )
        await wait_for_end(worker)
        await wait_until(lambda: is_settled(other.db), "the end of the doubt", other)
    finally:
        other.db.terminate()


async def is_holding_spool(worker: Worker, house: House) -> bool:
    """The worker holds the spool for its database."""
    links = Path(f"/proc/{worker.pid}/fd").glob("*")
    held = [link for link in links if link.is_symlink() and ".database-" in str(link.readlink())]
    return bool(held)


async def test_without_its_spool_nothing_is_launched_and_none_is_made(
    campaign: TwoStageCampaign,
) -> None:
    house, away = campaign.house, campaign.house.tmp / "away"
    worker = house.worker(**SOON)
    await wait_until(lambda: is_holding_spool(worker, house), "the worker", house)
    house.spool.rename(away)
    why = "SELECT why FROM installation_doubt"
    await wait_until(lambda: house.db.fetchval(why), "the reason", house)
    assert await house.db.fetchval(why) == AWAY
    assert not house.spool.exists()
    away.rename(house.spool)
    await wait_until(lambda: is_settled(house.db), "the end of the doubt", house)
    await check_goes_on(campaign, house)


async def test_a_spool_that_is_away_is_made_by_nobody(campaign: TwoStageCampaign) -> None:
    """Else it would be taken for another one, and could not be put back by a rename."""
    house = campaign.house
    away = house.spool.rename(house.spool.with_name("away"))
    began = await house.db.fetchval("SELECT now()")
    house.worker(**SOON)
    # The spool is looked at before the store.
    probed = "SELECT checked_at > $1 FROM disk WHERE place = 'store'"
    await wait_until(lambda: house.db.fetchval(probed, began), "a look at the disks", house)
    assert not house.spool.exists()
    away.rename(house.spool)
    await wait_until(lambda: is_settled(house.db), "the end of the doubt", house)
    await check_goes_on(campaign, house)
