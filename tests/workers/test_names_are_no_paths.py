"""Names of campaigns and stages are only names: whatever they are, files lie in folders of ids."""

import json
from pathlib import Path

import pytest

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from tests.factories import Factory
from tests.workers.house import House, wait_until

CAMPAIGNS = (
    "../other/prod",
    "/tmp/abs",
    "..",
    ".",
    """ICARUS _Fake, $HOME/../x "y" 'z' %(a)s""",
    "a" * 100,
    "%s%n{}$(id)`id`;&|<>*?[",
    "e1",
    "-rf",
    "наблюдение",
)
STAGES = (".ssh", "../../..", "stage", ", ", "%(submission)s", "#", "\\", "c1", "~", "nul")
# Tells where it was run by its environment, which has the names as they are.
TELLS = """
import json, os
names = {n: os.environ[n] for n in ("POMS_CAMPAIGN_NAME", "POMS4_CAMPAIGN_STAGE_NAME", "POMS_UNIQUE")}
json.dump(names, open("told_" + os.environ["POMS_UNIQUE"], "w"))
"""


def read_others(house: House) -> dict[Path, str]:
    """What is others': where the names would lead, if they were paths."""
    store = house.store
    places = [
        store / "other/prod/told", house.tmp / "other/prod/told", store / "hypot/.ssh/token",
        store / ".ssh/authorized_keys", store / "e99/c1/s1/told",
    ]  # fmt: skip
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("of others")
    return {place: place.read_text() for place in places}


def list_changed(house: House, own: Path) -> list[str]:
    """All that is in the house outside of the experiment's own folder, spool and logs."""
    apart = (own, house.spool)
    found = [path for path in house.tmp.rglob("*") if path.is_file()]
    return sorted(str(p) for p in found if not any(p.is_relative_to(each) for each in apart))


@pytest.mark.parametrize("is_test", [False, True])
async def test_whatever_a_name_is_files_lie_in_folders_of_ids(
    house: House, plant: Factory, *, is_test: bool
) -> None:
    script = house.programs / "tells.py"
    script.write_text(TELLS)
    kept = read_others(house)
    named: dict[str, tuple[str, str]] = {}
    for n, (campaign, stage) in enumerate(zip(CAMPAIGNS, STAGES, strict=True)):
        made = await Factory.make_campaign(plant.db, campaign)
        command = [*house.job("x")[:1], "-I", str(script)]
        id = await made.stage(f"s{n}", command, kind="generator", patterns=["told_*"])
        await plant.db.execute("UPDATE stage SET name = $2 WHERE id = $1", id, stage)
        asked = LaunchRequest(plant.person_id, is_test=is_test)
        assert (await slices.launch_next(plant.db, id, asked)).submission
        named[f"e{plant.experiment_id}/c{made.campaign_id}/s{id}/"] = (campaign, stage)
    house.runner()
    house.worker()
    logs = [str(house.tmp / name) for name in ("batch.local.log", "workers.log", "job.py")]
    before = sorted({*list_changed(house, house.store / "e1"), *logs})

    async def all_located() -> bool:
        return bool(
            await plant.db.fetchval(
                "SELECT count(*) = $1 FROM submission WHERE state = 'located'", len(named)
            )
        )

    await wait_until(all_located, "the end of all", house)
    rows = await plant.db.fetch("SELECT location FROM file ORDER BY submission_id")
    for row, (folder, (campaign, stage)) in zip(rows, named.items(), strict=True):
        assert row["location"].startswith(f"{house.store}/{folder}")
        told = json.loads(Path(row["location"]).read_text())
        assert told["POMS_CAMPAIGN_NAME"] == f"{campaign}__{stage}".replace(" ", "_")
        assert told["POMS4_CAMPAIGN_STAGE_NAME"] == stage.replace(" ", "_")
    assert {place: place.read_text() for place in kept} == kept
    assert sorted({*list_changed(house, house.store / f"e{plant.experiment_id}"), *logs}) == before
