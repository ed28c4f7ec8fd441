"""What service admins let an experiment name at Slurm, from the API to the cluster's own record."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from db.pool import Pool as Database
from settings import Settings
from tests.application_server import SECRET, make_token, serve_application
from tests.batch.engines import Engine
from tests.batch.shared_house import OF_ITS_OWN, SMALL, SharedHouse
from tests.batch.slurm_pool import SlurmPool
from tests.resolvers.conftest import (
    HOST,
    JOB_TYPE,
    LOGIN_SETUP,
    PEOPLE,
    SAVE,
    build_campaign_input,
    build_stage_input,
)
from tests.workers.house import wait_until

ALLOW = """
    mutation ($input: SetBatchAllowanceInput!) {
      setBatchAllowance(input: $input) { __typename ... on Problem { message } }
    }
"""
LAUNCH = """
    mutation ($id: ID!) {
      launchStage(input: {id: $id}) { __typename ... on Submission { id } ... on Problem { message } }
    }
"""
STATE = "query ($id: ID!) { submission(id: $id) { state reason } }"


class Caller:
    """Asks the API as somebody."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http

    async def ask(self, query: str, as_: str = "anna", **variables: Any) -> Any:
        headers = {"authorization": f"Bearer {make_token(as_)}"}
        asked = {"query": query, "variables": variables}
        answer = (await self.http.post("/graphql", json=asked, headers=headers)).json()
        assert "errors" not in answer, answer
        (found,) = answer["data"].values()
        return found

    async def allow(self, *partitions: str, as_: str = "ada", to: str = "hypot") -> str:
        given = {"experiment": to, "batchSystem": "slurm", "partitions": [*partitions]}
        return str((await self.ask(ALLOW, as_, input=given))["__typename"])

    async def save(self, partition: str) -> Any:
        wanted = build_stage_input(
            "gen", kind="GENERATOR", batchSystem="slurm", batchOptions={"partition": partition}
        )
        return await self.ask(SAVE, input=build_campaign_input(wanted))

    async def launch(self, id: str) -> str:
        return str((await self.ask(LAUNCH, id=id))["id"])


async def set_up(caller: Caller, house: SharedHouse) -> None:
    host = {"experiment": "hypot", "name": "here"}
    await caller.ask(HOST, "ada", input=host)
    resources = {"memoryMb": SMALL["memory_mb"], "diskMb": SMALL["disk_mb"]}
    job_type = {
        **{"experiment": "hypot", "name": "reco", "command": house.job("gen")},
        **{"patterns": ["gen_*"], "resources": resources},
    }
    await caller.ask(JOB_TYPE, input=job_type)
    login = {"experiment": "hypot", "name": "here", "launchHost": "here"}
    await caller.ask(LOGIN_SETUP, input=login)


def list_partitions(pool: SlurmPool) -> list[str]:
    """Of all jobs that have ended, by the cluster's own record."""
    lines = (pool.folder / "log/jobcomp").read_text().splitlines()
    said: list[Mapping[str, str]] = [
        dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines
    ]
    return [each["Partition"] for each in said]


@pytest.mark.parametrize("engine", ["slurm_engine"], indirect=True)
async def test_a_partition_is_used_by_who_may_and_by_nobody_else(
    house: SharedHouse, db: Database, engine: Engine, slurm_pool: SlurmPool
) -> None:
    assert engine.name == "slurm"
    await db.execute(OF_ITS_OWN)
    await db.execute(PEOPLE)
    settings = Settings(house.database_url, house.redis_url, house.spool, house.store, SECRET)
    async with (
        serve_application(settings) as address,
        httpx2.AsyncClient(base_url=f"http://{address}", timeout=30) as http,
    ):
        await check_use_by_permitted(Caller(http), house, slurm_pool)


async def check_use_by_permitted(caller: Caller, house: SharedHouse, pool: SlurmPool) -> None:
    async def is_located(id: str) -> bool:
        return bool((await caller.ask(STATE, id=id))["state"] == "LOCATED")

    async def waits(id: str) -> bool:
        found = await caller.ask(STATE, id=id)
        return found["state"] == "NEW" and "use partition other" in json.dumps(found)

    await set_up(caller, house)
    assert await caller.allow("other", as_="anna") == "NotPermitted"
    assert await caller.allow("other", to="other") == "BatchAllowance"
    refused = await caller.save("other")
    assert refused["__typename"] == "InvalidCampaign"
    assert [each["path"] for each in refused["findings"]] == ["stages[0].batchOptions.partition"]

    assert await caller.allow("other") == "BatchAllowance"
    stage_id = (await caller.save("other"))["campaign"]["stages"][0]["id"]
    house.worker()
    first = await caller.launch(stage_id)
    await wait_until(lambda: is_located(first), "the end of what may", house, within=120)
    assert list_partitions(pool)[-1] == "other"

    assert await caller.allow("main") == "BatchAllowance"
    ended = len(list_partitions(pool))
    second = await caller.launch(stage_id)
    await wait_until(lambda: waits(second), "the reason of what may not any more", house)
    assert len(list_partitions(pool)) == ended
    assert pool.run("squeue", "-h").stdout.strip() == ""
    assert await caller.allow("main", "other") == "BatchAllowance"
    await wait_until(lambda: is_located(second), "the end of what may again", house, within=120)
    assert list_partitions(pool)[ended:] == ["other"]
