"""Accounts and QOS of an experiment, from a service admin's word to what slurmdbd has of its jobs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from batch import BatchRefused, Launch
from db.pool import Pool as Database
from domain.setup.batch_options import BatchOptions
from settings import Settings
from tests.application_server import SECRET, serve_application
from tests.batch.accounting_pool import EnforcedPool
from tests.batch.engines import Engine
from tests.batch.shared_house import OF_ITS_OWN, SharedHouse
from tests.batch.slurm_fixture import SlurmFixture
from tests.batch.test_allowances import ALLOW, STATE, Caller, set_up
from tests.resolvers.conftest import PEOPLE, SAVE, build_campaign_input, build_stage_input
from tests.workers.house import wait_until


async def allow_account(
    caller: Caller, experiment: str, accounts: list[str], qos: list[str]
) -> str:
    given = {"experiment": experiment, "batchSystem": "slurm", "accounts": accounts, "qos": qos}
    return str((await caller.ask(ALLOW, "ada", input=given))["__typename"])


async def save_stage(caller: Caller, name: str, **options: str) -> Any:
    wanted = build_stage_input(name, kind="GENERATOR", batchSystem="slurm", batchOptions=options)
    return await caller.ask(SAVE, input=build_campaign_input(wanted, name=name))


def list_booked(pool: EnforcedPool) -> list[str]:
    """On whose account, with which QOS, each launch was run, oldest first."""
    told = pool.run("sacct", "-a", "-X", "-n", "-P", "-S", "now-1hours", "-o", "Submit,Account,QOS")
    return ["/".join(line.split("|")[1:]) for line in sorted(told.stdout.split())]


@pytest.mark.parametrize("engine", ["enforced_engine"], indirect=True)
async def test_jobs_go_on_their_experiments_account_and_on_no_other(
    house: SharedHouse, db: Database, engine: Engine, enforced: EnforcedPool
) -> None:
    assert engine.name == "slurm"
    await db.execute(OF_ITS_OWN)
    await db.execute(PEOPLE)
    settings = Settings(house.database_url, house.redis_url, house.spool, house.store, SECRET)
    async with (
        serve_application(settings) as address,
        httpx2.AsyncClient(base_url=f"http://{address}", timeout=30) as http,
    ):
        await expect_own_accounts(Caller(http), house, enforced)


async def expect_own_accounts(caller: Caller, house: SharedHouse, pool: EnforcedPool) -> None:
    await set_up(caller, house)
    assert await allow_account(caller, "other", ["toy"], ["urgent"]) == "BatchAllowance"
    assert await allow_account(caller, "hypot", ["hypot"], ["normal"]) == "BatchAllowance"
    for options in ({"account": "toy"}, {"account": "default"}, {"qos": "urgent"}):
        refused = await save_stage(caller, "theirs", **options)
        assert refused["__typename"] == "InvalidCampaign", refused
        (name,) = options
        assert [each["path"] for each in refused["findings"]] == [f"stages[0].batchOptions.{name}"]

    house.worker()
    saved = await save_stage(caller, "gen")  # names none: the experiment's first
    await wait_for_end(caller, house, saved["campaign"]["stages"][0]["id"], "LOCATED")
    assert list_booked(pool) == ["hypot/normal"]

    # What an admin gives and accounting does not is the cluster's to refuse, and said.
    assert await allow_account(caller, "hypot", ["others"], []) == "BatchAllowance"
    saved = await save_stage(caller, "others")
    told = await wait_for_end(caller, house, saved["campaign"]["stages"][0]["id"], "LAUNCH_FAILED")
    assert "account" in told["reason"]
    assert list_booked(pool) == ["hypot/normal"]


async def wait_for_end(caller: Caller, house: SharedHouse, stage_id: str, state: str) -> Any:
    id = await caller.launch(stage_id)

    async def is_over() -> bool:
        return bool((await caller.ask(STATE, id=id))["state"] == state)

    await wait_until(
        is_over, f"{state}: {json.dumps(await caller.ask(STATE, id=id))}", house, within=60
    )
    return await caller.ask(STATE, id=id)


@pytest.fixture
def bench(enforced: EnforcedPool, far_spool: Path) -> Iterator[SlurmFixture]:
    with SlurmFixture.within(enforced, far_spool / "bench") as made:
        yield made


@pytest.mark.parametrize(
    "asked", [BatchOptions(account="others"), BatchOptions(account="hypot", qos="forbidden")]
)
async def test_what_the_cluster_refuses_is_refused_for_good_and_nothing_is_submitted(
    bench: SlurmFixture, enforced: EnforcedPool, asked: BatchOptions
) -> None:
    launch: Launch = bench.launch(f"m{asked.qos}", "true", options=asked)
    with pytest.raises(BatchRefused, match=r"(?i)account|qos"):
        await bench.submit(launch)
    assert enforced.queue() == ""
