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
    campaign,
    schema,
    stage,
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


def options(x: str) -> dict[str, Any]:
    """What a stage asks of its batch system, with a text wherever one can stand."""
    names = "requirements", "container", "partition", "account", "qos"
    return {**dict.fromkeys(names, x), "attributes": [{"name": x, "value": x}]}


def inputs(x: str) -> list[tuple[str, dict[str, Any]]]:
    """Every mutation of the configuration, with a text wherever one can stand."""
    pair = {"key": x, "value": x}
    recovery = {"type": x, "overrides": [pair]}
    where = {"experiment": "hypot", "name": x}
    work = stage(
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
        batchOptions=options(x),
    )
    edge = {"upstream": x, "downstream": x, "patterns": [x]}
    whole = campaign(
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
    setup = {"launchHost": x, "credential": x, "account": x, "setup": [x], "environment": [pair]}
    credential = {"kind": "TOKEN", "path": x, "purpose": x, "renewal": [x]}
    return [
        (SAVE, {**whole, "name": x}),
        (SAVE, {**whole, "dryRun": True}),
        (SAVE, {**whole, "experiment": x}),
        (SAVE, {**campaign(stage("a", dataset="raw")), "idempotencyKey": x}),
        (JOB_TYPE, job_type),
        (JOB_TYPE, {**job_type, "experiment": x}),
        (change("changeJobType", "ChangeJobTypeInput"), {"id": x, "name": x, "command": [x]}),
        (LOGIN_SETUP, {**where, **setup}),
        (change("changeLoginSetup", "ChangeLoginSetupInput"), {"id": x, "name": x, **setup}),
        (HOST, {**where, "kind": "SSH", "address": x}),
        (change("createCredential", "CreateCredentialInput"), {**where, **credential}),
        (DATASET, {**where, "description": x}),
        (change("addFiles", "AddFilesInput"), {"datasetId": x, "files": [file]}),
        (change("addFiles", "AddFilesInput"), {"datasetId": "dataset:1", "files": [file]}),
        (change("addPerson", "AddPersonInput"), {"username": x, "name": x}),
        (change("createExperiment", "CreateExperimentInput"), {"name": x, "title": x}),
        (
            change("setMembership", "SetMembershipInput"),
            {"experiment": x, "username": x, "role": None},
        ),
        (
            change("setMembership", "SetMembershipInput"),
            {"experiment": "hypot", "username": x, "role": "ANALYSIS"},
        ),
    ]


def change(name: str, kind: str) -> str:
    """A mutation of which only the kind of answer is asked."""
    return f"mutation ($input: {kind}!) {{ {name}(input: $input) {{ __typename }} }}"


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
    asked = [(query, {"input": given}) for query, given in inputs(text)]
    ids = [text, f"campaign:{text}", f"stage:{text}", f"{text}:1"]
    asked += [(READ, {"x": text, "id": id_}) for id_ in ids]
    for query, variables in asked:
        result = await schema().execute(query, variables, await context("ada"))
        for error in result.errors or ():
            code = (error.extensions or {}).get("code")
            assert code == "BAD_INPUT", (code, error, query)
