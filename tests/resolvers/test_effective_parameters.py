"""What a launch of a stage would run with: each value with where it comes from."""

from typing import Any

import pytest

from tests.resolvers.conftest import (
    DATASET,
    JOB_TYPE,
    SAVE,
    Ask,
    build_campaign_input,
    build_stage_input,
)

EFFECTIVE = """
    query ($id: ID!, $isTest: Boolean! = false, $recovery: Int, $parameter: String) {
      effectiveParameters(id: $id, isTest: $isTest, recovery: $recovery, parameter: $parameter) {
        layers { origin parameters { key value } }
        parameters { key value origin instead_of: insteadOf { value origin } }
        keywords { key value } command problem
      }
    }
"""

pytestmark = pytest.mark.usefixtures("configured")


def make_pairs(**given: str) -> list[dict[str, str]]:
    return [{"key": f"-{key}=", "value": value} for key, value in given.items()]


async def save_stages(ask: Ask, **more: Any) -> list[str]:
    job_type = {
        "experiment": "hypot", "name": "fife", "command": ["fife_launch"], "parameters": make_pairs(c="x.cfg", n="1"),
        "recoveries": [{"type": "consumed_status", "overrides": make_pairs(memory="4GB")}],
    }  # fmt: skip
    await ask(JOB_TYPE, {"input": job_type})
    await ask(DATASET, {"input": {"experiment": "hypot", "name": "hypot_5e18"}})
    given = build_campaign_input(
        build_stage_input(
            "reco", jobType="fife", dataset="raw", softwareVersion="v3", testParameters=make_pairs(n="2", memory="1GB"),
            parameters=make_pairs(n="9", dataset="%(dataset)s", by="%(experimenter)s", pot="%(pot)s", later="%%(x)s"),
        ),
        build_stage_input("alone", jobType="fife", dataset="%(group)s_%(pot)s", mergeOverrides=False),
        defaults={"parameters": make_pairs(n="5", memory="2GB"), "keywords": [{"key": "pot", "value": "5e18"}]},
        **more,
    )  # fmt: skip
    made = (await ask(SAVE, {"input": given}))["saveCampaign"]
    return [found["id"] for found in made["campaign"]["stages"]]


async def test_each_value_says_where_it_comes_from_and_what_it_is_used_instead_of(ask: Ask) -> None:
    reco, _ = await save_stages(ask)
    found = (await ask(EFFECTIVE, {"id": reco}))["effectiveParameters"]
    assert [layer["origin"] for layer in found["layers"]] == ["JOB_TYPE", "CAMPAIGN", "STAGE"]
    assert found["parameters"][1] == {
        "key": "-n=",
        "value": "9",
        "origin": "STAGE",
        "instead_of": [
            {"value": "1", "origin": "JOB_TYPE"},
            {"value": "5", "origin": "CAMPAIGN"},
        ],
    }
    assert found["command"] == [
        "fife_launch", "-c=x.cfg", "-n=9", "-memory=2GB", "-dataset=raw", "-by=anna", "-pot=5e18", "-later=%(x)s",
    ]  # fmt: skip
    assert {"key": "version", "value": "v3"} in found["keywords"]


async def test_a_stage_takes_the_parameters_of_its_campaign_only_if_it_says_so(ask: Ask) -> None:
    _, alone = await save_stages(ask)
    found = (await ask(EFFECTIVE, {"id": alone}))["effectiveParameters"]
    assert found["command"] == ["fife_launch", "-c=x.cfg", "-n=1"]
    assert {"key": "dataset", "value": "hypot_5e18"} in found["keywords"]


async def test_a_recovery_of_a_test_wins_over_the_test(ask: Ask) -> None:
    reco, _ = await save_stages(ask)
    asked = {"id": reco, "isTest": True, "recovery": 1}
    found = (await ask(EFFECTIVE, asked))["effectiveParameters"]
    assert [layer["origin"] for layer in found["layers"]] == [
        "JOB_TYPE", "CAMPAIGN", "STAGE", "RECOVERY", "TEST", "RECOVERY",
    ]  # fmt: skip
    assert found["command"][2:4] == ["-n=2", "-memory=4GB"]
    wrong = await ask(EFFECTIVE, {"id": reco, "recovery": 2}, errors=True)
    assert "1 recoveries" in wrong["errors"][0]["message"]


async def test_a_keyword_without_a_value_is_said_and_who_may_not_see_it_sees_nothing(
    ask: Ask,
) -> None:
    given = build_campaign_input(
        build_stage_input("a", dataset="raw", parameters=make_pairs(x="%(nothing)s"))
    )
    made = (await ask(SAVE, {"input": given}))["saveCampaign"]
    id = made["campaign"]["stages"][0]["id"]
    found = (await ask(EFFECTIVE, {"id": id}))["effectiveParameters"]
    assert (found["command"], found["problem"]) == (None, "There is no keyword 'nothing'.")
    assert (await ask(EFFECTIVE, {"id": id}, as_="otto"))["effectiveParameters"] is None
