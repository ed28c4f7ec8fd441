"""Campaign files through the API: imported whole or not at all, as drafts where they can't be launched."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from db.pool import Pool
from tests.resolvers.conftest import (
    DATASET,
    SAVE,
    Ask,
    ask_with_key,
    build_campaign_input,
    build_stage_input,
)

Counted = Callable[[], Awaitable[dict[str, int]]]
EFFECT = """{
      name revision isUnchanged draft jobTypes loginSetups changes { stage change fields }
      findings { file line section key level message }
    }"""
IMPORT = f"""
    mutation ($input: ImportCampaignInput!, $key: String) {{
      importCampaign(input: $input, idempotencyKey: $key) {{
        __typename
        ... on CampaignImported {{
          campaign {{ id name active draft revision file defaults {{ keywords {{ key value }} }}
            stages {{ name kind split mergeOverrides dataset {{ name }} }}
            findings {{ file line key message }} }}
          effect {EFFECT}
        }}
        ... on CampaignImportPlanned {{ planned {EFFECT} }}
        ... on Problem {{ message }}
        ... on InvalidCampaignFile {{ findings {{ line level message }} }}
        ... on StaleRevision {{ current }}
      }}
    }}
"""
ACTIVATE = """
    mutation ($id: ID!, $active: Boolean!) {
      setCampaignActive(id: $id, active: $active) {
        __typename ... on Problem { message } ... on Campaign { active draft revision stages { name } }
        ... on InvalidCampaignFile { findings { file line section key level message } }
      }
    }
"""
FILE = """\
[campaign]
experiment = hypot
name = spring
[campaign_defaults]
vo_role = Production
software_version = v3
login_setup = here
job_type = fife
completion_type = located
completion_pct = 90.0
merge_overrides = True
campaign_keywords = {"pot": "5e18"}
param_overrides = [["-n=", "%(pot)s"]]
[campaign_stage gen]
stage_type = generator
cs_split_type = multiparam()
dataset_or_split_data = [["electron", "muon"], ["1GeV"]]
[campaign_stage reco]
dataset_or_split_data = from_parent
[dependencies reco]
campaign_stage_1 = gen
file_pattern_1 = gen%.root
[job_type fife]
launch_script = fife_launch -c x.cfg
output_file_patterns = %.root
[node_positions]
nxy0 = ["gen", 1, 2]
"""
ROOT = Path(__file__).resolve().parents[2]
REAL = sorted(
    (Path(os.environ.get("POMS_SHARED", ROOT.parent / "shared")) / "data/ini").glob("*.ini")
)

pytestmark = pytest.mark.usefixtures("configured")


async def import_text(ask: Ask, text: str, as_: str = "anna", **more: Any) -> dict[str, Any]:
    given = {"experiment": "hypot", "fileName": "spring.ini", "text": text, **more}
    found: dict[str, Any] = (await ask(IMPORT, ask_with_key(given), as_=as_))["importCampaign"]
    return found


async def test_a_sound_file_becomes_a_campaign_that_launches(ask: Ask) -> None:
    found = await import_text(ask, FILE)
    assert found["__typename"] == "CampaignImported", found
    made, effect = found["campaign"], found["effect"]
    assert (made["active"], made["draft"], made["revision"]) == (True, False, 1)
    assert made["stages"] == [
        {"name": "gen", "kind": "GENERATOR", "split": "multiparam()", "mergeOverrides": True, "dataset": None},
        {"name": "reco", "kind": "REGULAR", "split": "none", "mergeOverrides": True,
         "dataset": made["stages"][1]["dataset"]},
    ]  # fmt: skip
    assert made["defaults"]["keywords"] == [{"key": "pot", "value": "5e18"}]
    assert (effect["jobTypes"], effect["loginSetups"]) == (["fife"], [])
    assert [change["change"] for change in effect["changes"]] == ["ADDED", "ADDED"]
    assert effect["findings"] == []


async def test_a_dry_run_says_the_difference_and_changes_nothing(
    ask: Ask, counted: Counted
) -> None:
    before = await counted()
    planned = await import_text(ask, FILE, dryRun=True)
    assert planned["__typename"] == "CampaignImportPlanned"
    assert planned["planned"]["jobTypes"] == ["fife"]
    assert await counted() == before
    await import_text(ask, FILE)
    again = await import_text(ask, FILE.replace("gen%.root", "%"), dryRun=True)
    assert [change["change"] for change in again["planned"]["changes"]] == ["UNCHANGED"] * 2
    split = FILE.replace(
        "[campaign_stage reco]", "[campaign_stage reco]\ncs_split_type = nfiles(3)"
    )
    other = (await import_text(ask, split, dryRun=True))["planned"]
    assert other["changes"][1] == {"stage": "reco", "change": "CHANGED", "fields": ["split"]}
    assert (other["revision"], other["jobTypes"]) == (2, [])


async def test_an_import_of_an_export_changes_nothing(ask: Ask) -> None:
    first = (await import_text(ask, FILE))["campaign"]
    again = await import_text(ask, first["file"])
    assert [change["change"] for change in again["effect"]["changes"]] == ["UNCHANGED"] * 2
    assert again["effect"]["isUnchanged"]
    assert (again["effect"]["revision"], again["campaign"]["revision"]) == (1, 1)
    state = FILE.replace("name = spring", "name = spring\nstate = Inactive")
    for text, active, revision in ((state, False, 2), (state, False, 2), (FILE, False, 2)):
        now = (await import_text(ask, text))["campaign"]
        assert (now["active"], now["revision"]) == (active, revision)
    for revision, is_unchanged in ((3, False), (3, True)):  # drafts, too
        draft = await import_text(ask, WRONG)
        assert (draft["campaign"]["revision"], draft["effect"]["isUnchanged"]) == (
            revision,
            is_unchanged,
        )
    assert (again["effect"]["jobTypes"], again["effect"]["findings"]) == ([], [])
    assert again["campaign"]["file"] == first["file"]
    assert 'nxy0 = ["gen", 1, 2]' in first["file"]


async def test_a_saved_campaign_has_a_file_that_says_all_of_it(ask: Ask) -> None:
    given = build_campaign_input(
        build_stage_input("gen", kind="GENERATOR", jobsPerSlice=5, recoveries=[], outputAncestorDepth=2),
        build_stage_input("reco", split="nfiles(2)", filesPerJob=4, resources={"memoryMb": 2000}, testSplit="none"),
        dependencies=[{"upstream": "gen", "downstream": "reco", "patterns": ["a_[12]*"]}],
        description="two\nlines",
    )  # fmt: skip
    made = (await ask(SAVE, {"input": given}))["saveCampaign"]["campaign"]
    found = await ask("query ($id: ID!) { campaign(id: $id) { file } }", {"id": made["id"]})
    assert "output_ancestor_depth = 2" in found["campaign"]["file"]
    again = await import_text(ask, found["campaign"]["file"])
    assert [change["change"] for change in again["effect"]["changes"]] == ["UNCHANGED"] * 2
    assert again["campaign"]["file"] == found["campaign"]["file"]


WRONG = FILE.replace("dataset_or_split_data = from_parent", "completion_pct = 500").replace(
    "campaign_stage_1 = gen", "campaign_stage_1 = nowhere"
)


async def test_what_can_not_be_launched_is_a_draft_until_it_is_mended(ask: Ask, db: Pool) -> None:
    made = await import_text(ask, WRONG)
    assert made["__typename"] == "CampaignImported"
    campaign, effect = made["campaign"], made["effect"]
    assert (campaign["active"], campaign["draft"], campaign["stages"]) == (False, True, [])
    assert [(f["line"], f["section"], f["key"], f["level"]) for f in effect["findings"]] == [
        (19, "campaign_stage reco", "completion_pct", "DRAFT"),
        (21, "dependencies reco", "campaign_stage_1", "WARNING"),
    ]
    no = (await ask(ACTIVATE, {"id": campaign["id"], "active": True}))["setCampaignActive"]
    assert no["__typename"] == "InvalidCampaignFile"
    assert [(f["section"], f["key"]) for f in no["findings"]] == [
        ("campaign_stage reco", "completion_pct"),
        ("dependencies reco", "campaign_stage_1"),
    ]
    lines = campaign["file"].splitlines()
    assert [lines[f["line"] - 1] for f in campaign["findings"]] == [
        "completion_pct = 500",
        "campaign_stage_1 = nowhere",
    ]
    mended = await import_text(ask, campaign["file"].replace("500", "50").replace("nowhere", "gen"))
    assert (mended["campaign"]["active"], mended["campaign"]["draft"]) == (True, False)
    assert mended["campaign"]["revision"] == 2
    assert await db.fetchval("SELECT count(*) FROM stage") == 2


async def test_a_draft_launches_when_what_it_lacked_is_there(ask: Ask) -> None:
    text = FILE.replace("from_parent", "later").split("[dependencies reco]")[0]
    text += "[job_type fife]\nlaunch_script = fife_launch\n"
    made = await import_text(ask, text)
    assert made["campaign"]["draft"]
    assert [f["message"] for f in made["campaign"]["findings"]] == [
        "The experiment has no active dataset 'later'."
    ]
    await ask(DATASET, {"input": {"experiment": "hypot", "name": "later"}})
    asked = {"id": made["campaign"]["id"], "active": True}
    now = (await ask(ACTIVATE, asked))["setCampaignActive"]
    assert now == {
        "__typename": "Campaign", "active": True, "draft": False, "revision": 2,
        "stages": [{"name": "gen"}, {"name": "reco"}],
    }  # fmt: skip


async def test_a_draft_over_a_campaign_stops_it_and_leaves_its_stages(ask: Ask) -> None:
    await import_text(ask, FILE)
    over = await import_text(ask, WRONG, expectedRevision=1)
    assert (over["campaign"]["active"], over["campaign"]["draft"]) == (False, True)
    assert [s["name"] for s in over["campaign"]["stages"]] == ["gen", "reco"]
    assert over["effect"]["changes"] == []
    back = await import_text(ask, FILE)
    assert (back["campaign"]["active"], back["campaign"]["draft"]) == (True, False)
    stale = await import_text(ask, FILE, expectedRevision=1)
    assert (stale["__typename"], stale["current"]) == ("StaleRevision", 3)


async def test_a_file_that_poms_refuses_is_refused_whole(ask: Ask, counted: Counted) -> None:
    before = await counted()
    found = await import_text(ask, FILE + "[campaign]\nwhat\n")
    assert found["__typename"] == "InvalidCampaignFile"
    assert [(f["line"], f["level"]) for f in found["findings"]] == [(28, "REFUSED"), (29, "REFUSED")]  # fmt: skip
    assert found["message"].startswith("spring.ini, line 28: ")
    assert (await import_text(ask, "x" * 500_001))["findings"][0]["level"] == "REFUSED"
    assert await counted() == before


async def test_who_may_not_imports_nothing(ask: Ask, counted: Counted) -> None:
    before = await counted()
    assert (await import_text(ask, FILE, as_="otto"))["__typename"] == "NotFound"
    assert await counted() == before
    await import_text(ask, FILE)
    assert (await import_text(ask, FILE, as_="alan"))["__typename"] == "NotPermitted"


async def test_an_import_with_a_key_happens_once(ask: Ask) -> None:
    first, *rest = await asyncio.gather(
        *(import_text(ask, FILE, idempotencyKey="k") for _ in range(3))
    )
    assert first["campaign"]["revision"] == 1
    assert rest == [first, first]
    other = await import_text(ask, WRONG, idempotencyKey="k")
    assert other["__typename"] == "IdempotencyKeyReused"


@pytest.mark.skipif(not REAL, reason="the real campaign files are not here")
async def test_real_files_are_imported_all_of_them(ask: Ask) -> None:
    """POMS's verdict or a better one: none is refused; what can't be launched here is a draft that says why."""
    for path in REAL:
        found = await import_text(ask, path.read_text(), fileName=path.name)
        assert found["__typename"] == "CampaignImported", (path.name, found)
        levels = {f["level"] for f in found["effect"]["findings"]}
        assert found["campaign"]["draft"] == ("DRAFT" in levels), path.name
        again = await import_text(ask, found["campaign"]["file"], dryRun=True)
        assert again["planned"]["draft"] == found["campaign"]["draft"]
