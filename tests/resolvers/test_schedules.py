"""Stages launched by the clock: what is saved, and what is refused."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from db.pool import Pool
from tests.resolvers.conftest import SAVE, Ask, campaign, stage

SET = """
    mutation ($id: ID!, $cron: String, $zone: String! = "UTC", $late: CatchUp! = ONCE, $until: Boolean! = true) {
      setSchedule(stageId: $id, cron: $cron, zone: $zone, catchUp: $late, untilExhausted: $until) {
        __typename
        ... on Schedule { cron zone active nextAt catchUp untilExhausted nextRuns(first: 3) }
        ... on Problem { message }
        ... on Invalid { field }
      }
    }
"""
READ = "query ($id: ID!) { stage(id: $id) { schedule { cron active } } }"


@pytest.fixture
async def stage_id(ask: Ask, configured: dict[str, str]) -> str:
    saved = await ask(SAVE, {"input": campaign(stage("a", dataset="raw"))})
    found: str = saved["saveCampaign"]["campaign"]["stages"][0]["id"]
    return found


async def test_a_stage_gets_a_schedule_and_loses_it(ask: Ask, stage_id: str) -> None:
    given = {"id": stage_id, "cron": "30 2 * * *", "zone": "Europe/Paris"}
    found = (await ask(SET, given))["setSchedule"]
    assert found["__typename"] == "Schedule"
    assert datetime.fromisoformat(found["nextAt"]) > datetime.now(UTC)
    assert (await ask(READ, {"id": stage_id}))["stage"]["schedule"] == {
        "cron": "30 2 * * *", "active": True
    }  # fmt: skip
    runs = [datetime.fromisoformat(run) for run in found["nextRuns"]]
    assert runs[0] == datetime.fromisoformat(found["nextAt"])
    days = [run.astimezone(ZoneInfo("Europe/Paris")).date() for run in runs]
    assert [day - days[0] for day in days] == [timedelta(n) for n in range(3)]
    assert (found["catchUp"], found["untilExhausted"]) == ("ONCE", True)
    later = (await ask(SET, {**given, "late": "ALL", "until": False}))["setSchedule"]
    assert (later["catchUp"], later["untilExhausted"]) == ("ALL", False)
    cleared = (await ask(SET, {"id": stage_id, "cron": None}))["setSchedule"]
    assert (cleared["active"], cleared["nextRuns"]) == (False, [])


@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        ("every day", "UTC"),
        ("61 * * * *", "UTC"),
        ("0 0 * * *", "Mars/Olympus"),
        ("0 0 31 2 *", "UTC"),
    ],
)
async def test_what_can_not_be_read_is_refused_and_nothing_saved(
    ask: Ask, stage_id: str, db: Pool, cron: str, zone: str
) -> None:
    found = (await ask(SET, {"id": stage_id, "cron": cron, "zone": zone}))["setSchedule"]
    assert (found["__typename"], found["field"]) == ("Invalid", "cron")
    assert await db.fetchval("SELECT count(*) FROM schedule") == 0


async def test_only_who_may_change_the_campaign_gives_it_a_schedule(
    ask: Ask, stage_id: str
) -> None:
    given = {"id": stage_id, "cron": "0 0 * * *"}
    assert (await ask(SET, given, as_="sam"))["setSchedule"]["__typename"] == "NotPermitted"
    assert (await ask(SET, given, as_="otto"))["setSchedule"]["__typename"] == "NotFound"
