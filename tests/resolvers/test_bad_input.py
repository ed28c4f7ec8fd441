"""Whatever stands in a text: it is kept, refused with a reason or not found, and never a bug of ours."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from schema.context import Context
from tests.resolvers.conftest import (
    DATASET,
    HOST,
    JOB_TYPE,
    LOGIN_SETUP,
    SAVE,
    ask_with_key,
    build_campaign_input,
    build_stage_input,
    make_cached_schema,
)

TEXTS = [
    "",
    " ",
    "\0",
    "a\0b",
    "x" * 100_000,
    "\u202eabc",
    "'; DROP TABLE person; --",
    "%s $1 {x} %(x)s %",
    "../../etc/passwd",
    "null",
    "😀" * 60,
    "stage:1",
    "-oProxyCommand=reboot",
]


def build_options(x: str) -> dict[str, Any]:
    """What a stage asks of its batch system, with a text wherever one can stand."""
    names = "requirements", "container", "partition", "account", "qos"
    return {**dict.fromkeys(names, x), "attributes": [{"name": x, "value": x}]}


def build_inputs(x: str) -> list[tuple[str, dict[str, Any]]]:
    """Every mutation of the configuration, with a text wherever one can stand."""
    pair = {"key": x, "value": x}
    recovery = {"type": x, "overrides": [pair]}
    where = {"experiment": "hypot", "name": x}
    work = build_stage_input(
        x,
        jobType=x,
        loginSetup=x,
        dataset=x,
        split=x,
        testSplit=x,
        parameterLists=[[x]],
        softwareVersion=x,
        parameters=[pair],
        testParameters=[pair],
        recoveries=[recovery],
        batchSystem=x,
        batchOptions=build_options(x),
    )
    edge = {"upstream": x, "downstream": x, "patterns": [x]}
    whole = build_campaign_input(
        work, description=x, comment=x, dependencies=[edge], defaults={"keywords": [pair]}
    )
    job_type = {
        **where,
        "command": [x],
        "parameters": [pair],
        "outputCheck": [x],
        "patterns": [x],
        "recoveries": [recovery],
    }
    file = {"name": x, "size": 1, "location": x, "checksum": x, "metadata": {"x": x, x: x}}
    summary = {"subject": "STAGE", "title": x, "unit": x, "url": x, "query": x, "path": x}
    setup = {"launchHost": x, "credential": x, "account": x, "setup": [x], "environment": [pair]}
    credential = {"kind": "TOKEN", "path": x, "purpose": x, "renewal": [x]}
    ask = {
        "kind": "DATASET", "dataset": x, "softwareVersion": x, "parameters": [pair],
        "keep": [{"stage": x, "place": x}],
    }  # fmt: skip
    request = {"title": x, "purpose": x, "physicsGroup": x, "campaign": x, "asks": [ask]}
    rule = {"name": x, "jobTypes": [x], "datasets": [x], "physicsGroups": [x], "people": [x]}
    return [
        (SAVE, {**whole, "name": x}),
        (SAVE, {**whole, "dryRun": True}),
        (SAVE, {**whole, "experiment": x}),
        (
            SAVE,
            {**build_campaign_input(build_stage_input("a", dataset="raw")), "idempotencyKey": x},
        ),
        (JOB_TYPE, job_type),
        (JOB_TYPE, {**job_type, "experiment": x}),
        (
            build_mutation("changeJobType", "ChangeJobTypeInput"),
            {"id": x, "name": x, "command": [x]},
        ),
        (LOGIN_SETUP, {**where, **setup}),
        (
            build_mutation("changeLoginSetup", "ChangeLoginSetupInput"),
            {"id": x, "name": x, **setup},
        ),
        (HOST, {**where, "kind": "SSH", "address": x}),
        (build_mutation("createCredential", "CreateCredentialInput"), {**where, **credential}),
        (DATASET, {**where, "description": x}),
        (build_mutation("addFiles", "AddFilesInput"), {"id": x, "files": [file]}),
        (build_mutation("addFiles", "AddFilesInput"), {"id": "dataset:1", "files": [file]}),
        (build_mutation("addPerson", "AddPersonInput"), {"username": x, "name": x}),
        (build_mutation("createExperiment", "CreateExperimentInput"), {"name": x, "title": x}),
        (
            build_mutation("setExperimentFolders", "SetExperimentFoldersInput"),
            {"experiment": "hypot", "folders": [x]},
        ),
        (
            build_mutation("setExperimentLinks", "SetExperimentLinksInput"),
            {"experiment": "hypot", "links": [{"subject": "JOB", "title": x, "template": x}]},
        ),
        (
            build_mutation("setExperimentSummaries", "SetExperimentSummariesInput"),
            {
                "experiment": "hypot",
                "summaries": [
                    {**summary, "source": source} for source in ("PROMETHEUS", "GRAPHQL")
                ],
            },
        ),
        (build_mutation("createRequest", "CreateRequestInput"), {**request, "experiment": "hypot"}),
        (build_mutation("saveRequest", "SaveRequestInput"), {**request, "id": x, "comment": x}),
        (
            build_mutation("approveRequest", "ApproveRequestInput"),
            {"id": x, "planHash": x, "comment": x, "behalfOf": x},
        ),
        (
            build_mutation("setApprovalRules", "SetApprovalRulesInput"),
            {"experiment": "hypot", "rules": [rule], "reason": x},
        ),
        (
            build_mutation("setMembership", "SetMembershipInput"),
            {"experiment": x, "username": x, "role": None, "reason": x},
        ),
        (
            build_mutation("setPersonActive", "SetPersonActiveInput"),
            {"username": x, "active": False, "reason": x},
        ),
        (
            build_mutation("revokeTokens", "RevokeTokensInput"),
            {"username": "anna", "tokenId": x, "reason": x},
        ),
        (
            build_mutation("handOver", "HandOverInput"),
            {"experiment": "hypot", "from": x, "to": x, "ids": [x], "reason": x},
        ),
        (
            build_mutation("handOver", "HandOverInput"),
            {"experiment": "hypot", "to": "sue", "ids": [x], "reason": "because"},
        ),
        (
            build_mutation("setMembership", "SetMembershipInput"),
            {"experiment": "hypot", "username": x, "role": "ANALYSIS"},
        ),
    ]


def build_mutation(name: str, kind: str) -> str:
    """A mutation of which only the kind of answer is asked."""
    asked = f"{name}(input: $input, idempotencyKey: $key) {{ __typename }}"
    return f"mutation ($input: {kind}!, $key: String) {{ {asked} }}"


READ = """
    query ($x: String!, $id: ID!) {
      experiment(name: $x) { id }
      experiments(after: $x) { nodes { id } }
      jobTypes(experiment: "hypot", nameContains: $x) { nodes { id } }
      loginSetups(experiment: $x) { nodes { id } }
      launchHosts(experiment: "hypot", before: $x) { nodes { id } }
      credentials(experiment: $x, after: $x) { nodes { id } }
      datasets(experiment: "hypot", after: $x) { nodes { id } }
      campaigns(filter: {experiment: $x, nameContains: $x, owner: $x}) { nodes { id } }
      more: campaigns(filter: {nameContains: $x, owner: $x}, orderBy: NEWEST, after: $x) { nodes { id } }
      node(id: $id) { id }
      campaign(id: $id) { id }
      stage(id: $id) { id }
      dataset(id: $id) { id }
      file(id: $id) { id }
    }
"""


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:12]))
@pytest.mark.usefixtures("configured")
async def test_no_text_is_a_bug(context: Callable[[str], Awaitable[Context]], text: str) -> None:
    asked: list[tuple[str, dict[str, Any]]]
    asked = [(query, ask_with_key(given)) for query, given in build_inputs(text)]
    ids = [text, f"campaign:{text}", f"stage:{text}", f"{text}:1"]
    asked += [(READ, {"x": text, "id": id_}) for id_ in ids]
    for query, variables in asked:
        result = await make_cached_schema().execute(query, variables, await context("ada"))
        for error in result.errors or ():
            code = (error.extensions or {}).get("code")
            assert code == "BAD_INPUT", (code, error, query)
