"""What a launch script submits after its end: prevented where that can be, else told, and nothing is done twice."""

import asyncio
from typing import Any

import pytest

from batch.htcondor import HTCondor, HTCondorAccess
from db.batch import discrepancies
from db.batch.discrepancies import Discrepancy
from db.pool import Pool as Database
from db.recovery import recoveries
from db.submissions import recovery_chain
from domain.discrepancies import DiscrepancyKind, Resolution
from domain.setup.recovery_rules import RecoveryRule
from tests.batch.launch_script_fixture import NUMBERED, ScriptFixture
from tests.batch.pools import Pool
from tests.batch.shared_house import SharedHouse
from tests.workers.house import wait_until

pytestmark = pytest.mark.parametrize("engine", ["htcondor"], indirect=True)
LATE_S = 10


async def test_a_child_that_submits_later_submits_nothing(
    house: SharedHouse, db: Database, pool: Pool, access: HTCondorAccess
) -> None:
    script = await ScriptFixture.make(house, db, pool, late_s=LATE_S)
    house.worker(POMS_HTCONDOR_INTERVAL_S="1")
    id = await script.launch()
    await wait_until(script.settled, "the end of all", house, within=120)
    assert await script.count_done() == 6
    assert "[POMS] 1 process that it left had to be ended: python" in await script.output(id)
    await asyncio.sleep(LATE_S)
    system = HTCondor(access, house.spool)
    found = await system.list_marked([await find_mark(db, id)])
    system.close()
    assert len(found) == await db.fetchval("SELECT count(*) FROM cluster") == 3
    assert not await db.fetchval("SELECT count(*) FROM discrepancy")


@pytest.mark.parametrize("decision", ["repair", "dismiss", "dismiss, by hand"])
async def test_one_that_submits_all_the_same_is_told_and_nothing_is_done_until_somebody_decides(
    house: SharedHouse, db: Database, pool: Pool, decision: str
) -> None:
    script = await ScriptFixture.make(house, db, pool, exit=3)
    # It has ended, and only two of its six jobs were submitted: somebody else submits two more.
    stopped = house.worker("script.conclude.after=STOP", POMS_HTCONDOR_INTERVAL_S="1")
    id = await script.launch()
    await wait_until(lambda: is_concluded(db, id), "the end of the script", house, within=60)
    late = await submit_outside(pool, house, await find_mark(db, id))
    stopped.kill()
    stopped.wait()
    house.worker(POMS_HTCONDOR_INTERVAL_S="1")
    row = await find_late_cluster(house, db)
    assert (row.native_id, row.submission_id, row.jobs) == (late, id, 1)

    async def says_so() -> bool:
        return "has appeared after the launch script" in await script.value("decision_needed", id)

    await wait_until(says_so, "the reason", house, within=120)
    assert await db.fetchval("SELECT count(*) FROM submission") == 1
    if decision == "dismiss, by hand":
        await check_recovery_by_hand(house, db, script, id)
    if decision == "repair":
        await discrepancies.request_repair(db, row.id, script.plant.person_id)
    else:
        await discrepancies.dismiss_discrepancy(db, row.id, script.plant.person_id, "known")
    await wait_until(script.settled, "the end of all", house, within=120)
    assert await script.value("decision_needed", id) == ""
    assert await script.count_done() == 6
    assert await db.fetchval("SELECT count(*) FROM submission") == 2
    (row,) = await discrepancies.find_by_ids(db, [row.id])
    repaired = decision == "repair"
    assert row.resolution is (Resolution.REPAIRED if repaired else Resolution.DISMISSED)
    left = pool.run("condor_q", late, "-af", "ProcId").stdout.split()
    assert left == ([] if repaired else ["0"])


async def check_recovery_by_hand(
    house: SharedHouse, db: Database, script: ScriptFixture, id: int
) -> None:
    """A recovery that somebody asks for waits, and says why."""
    ready = await recoveries.prepare_recovery(
        db, await recovery_chain.list_members(db, id), RecoveryRule("consumed_status")
    )
    assert isinstance(ready, recoveries.PreparedRecovery)
    made = await recoveries.launch_recovery(db, ready, None, script.plant.person_id)
    assert made is not None

    async def waits() -> bool:
        return "has appeared after" in await script.value("reason", made.id)

    await wait_until(waits, "the reason", house)
    assert await script.value("state", made.id) == "new"


async def find_mark(db: Database, id: int) -> str:
    return str(await db.fetchval("SELECT mark FROM launch_attempt WHERE submission_id = $1", id))


async def is_concluded(db: Database, id: int) -> bool:
    return await db.fetchval("SELECT state FROM submission WHERE id = $1", id) not in (
        "new", "submitting", "uncertain",
    )  # fmt: skip


async def submit_outside(pool: Pool, house: SharedHouse, mark: str) -> str:
    order = house.tmp / "late.sub"
    order.write_text(
        f'executable = /bin/true\nMy.POMS_MARK = "{mark}"\n{NUMBERED.replace("$(N)", "3")}\nhold = true\nqueue\n'
    )
    order.chmod(0o644)
    done = await asyncio.to_thread(pool.run, "condor_submit", "-terse", str(order))
    assert done.returncode == 0, done.stderr
    return done.stdout.split(".")[0]


async def find_late_cluster(house: SharedHouse, db: Database) -> Discrepancy:
    wanted = discrepancies.DiscrepancyFilter(is_open=True)

    async def rows() -> Any:
        return await discrepancies.list_page(db, wanted, 0, 10, newest=False)

    await wait_until(rows, "the discrepancy", house, within=120)
    (row,) = await rows()
    assert isinstance(row, Discrepancy)
    assert row.kind is DiscrepancyKind.LATE_CLUSTER
    return row
