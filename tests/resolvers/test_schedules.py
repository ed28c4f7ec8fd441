"""Stages launched by the clock: what is saved, and what is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from db.pool import Pool
from tests.resolvers.conftest import SAVE, Ask, build_campaign_input, build_stage_input

SET = """
    mutation ($id: ID!, $cron: String, $zone: String! = "UTC", $late: CatchUp! = ONCE, $until: Boolean) {
      setSchedule(input: {id: $id, cron: $cron, zone: $zone, catchUp: $late, untilExhausted: $until}) {
        __typename
        ... on Schedule { cron zone active nextAt catchUp untilExhausted nextRuns(first: 3) }
        ... on Problem { message }
        ... on Invalid { field }
      }
    }
"""
READ = "query ($id: ID!) { stage(id: $id) { schedule { cron active } } }"
ENDS = """
    query ($id: ID!) {
      stage(id: $id) { untilExhausted schedule { untilExhausted } campaign { id name file } }
    }
"""
IMPORT = """
    mutation ($input: ImportCampaignInput!) {
      importCampaign(input: $input) {
        ... on CampaignImported { effect { changes { change fields } } }
        ... on CampaignImportPlanned { planned { changes { change fields } } }
        ... on Problem { message }
      }
    }
"""


@pytest.fixture
async def stage_id(ask: Ask, configured: dict[str, str]) -> str:
    saved = await ask(SAVE, {"input": build_campaign_input(build_stage_input("a", dataset="raw"))})
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
    again = (await ask(SET, given))["setSchedule"]
    assert (again["catchUp"], again["untilExhausted"]) == ("ONCE", False), "as the stage says"
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


async def read_ends(ask: Ask, stage_id: str) -> tuple[bool, bool | None, str]:
    """Whether a stage's schedule ends with its work: the stage's word, the schedule's, and the file."""
    found = (await ask(ENDS, {"id": stage_id}))["stage"]
    schedule = found["schedule"]
    return (
        found["untilExhausted"],
        schedule and schedule["untilExhausted"],
        found["campaign"]["file"],
    )


async def import_text(ask: Ask, text: str, *, dry_run: bool = False) -> list[dict[str, Any]]:
    given = {"experiment": "hypot", "fileName": "a.ini", "text": text, "dryRun": dry_run}
    found = (await ask(IMPORT, {"input": given}))["importCampaign"]
    changes: list[dict[str, Any]] = (found.get("effect") or found["planned"])["changes"]
    return changes


CHANGED = [{"change": "CHANGED", "fields": ["untilExhausted"]}]
UNCHANGED = [{"change": "UNCHANGED", "fields": []}]


async def test_the_file_says_whether_a_schedule_ends_before_there_is_one(
    ask: Ask, stage_id: str
) -> None:
    said, schedule, file = await read_ends(ask, stage_id)
    assert (said, schedule) == (True, None)
    assert "default_clear_cronjob = True" in file
    mended = file.replace("default_clear_cronjob = True", "default_clear_cronjob = False")
    assert await import_text(ask, mended) == CHANGED
    made = (await ask(SET, {"id": stage_id, "cron": "0 0 * * *"}))["setSchedule"]
    assert made["untilExhausted"] is False
    assert "default_clear_cronjob = False" in (await read_ends(ask, stage_id))[2]


async def test_the_file_and_the_schedule_say_the_same_whoever_was_set_last(
    ask: Ask, stage_id: str
) -> None:
    await ask(SET, {"id": stage_id, "cron": "0 0 * * *", "until": False})
    said, schedule, file = await read_ends(ask, stage_id)
    assert (said, schedule) == (False, False)
    assert await import_text(ask, file, dry_run=True) == UNCHANGED
    assert await import_text(ask, file.replace("cronjob = False", "cronjob = True")) == CHANGED
    assert (await read_ends(ask, stage_id))[:2] == (True, True)


async def test_a_file_or_a_save_without_a_word_about_it_leaves_it(ask: Ask, stage_id: str) -> None:
    await ask(SET, {"id": stage_id, "cron": "0 0 * * *", "until": False})
    file = (await read_ends(ask, stage_id))[2]
    assert await import_text(ask, file.replace("default_clear_cronjob = False\n", "")) == UNCHANGED
    await ask(SAVE, {"input": build_campaign_input(build_stage_input("a", dataset="raw"))})
    assert (await read_ends(ask, stage_id))[:2] == (False, False)


async def test_a_copy_of_a_campaign_has_it_too(ask: Ask, stage_id: str, db: Pool) -> None:
    await ask(SET, {"id": stage_id, "cron": "0 0 * * *", "until": False})
    id = (await ask(ENDS, {"id": stage_id}))["stage"]["campaign"]["id"]
    clone = "mutation ($input: CloneCampaignInput!) { cloneCampaign(input: $input) { __typename } }"
    await ask(clone, {"input": {"id": id, "name": "other"}})
    assert [row["until_exhausted"] for row in await db.fetch("SELECT until_exhausted FROM stage")] == [
        False, False
    ]  # fmt: skip
