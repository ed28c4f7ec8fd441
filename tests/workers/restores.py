"""A database is dumped, launches go on, the dump is restored beside the live batch system: nothing starts twice."""

import asyncio
import signal
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from batch.htcondor import file_transfer
from db.batch import discrepancies
from db.batch.discrepancies import Discrepancy
from db.launching import launches
from db.pool import Pool, open_pool
from domain.discrepancies import DiscrepancyKind
from tests.factories import Factory
from tests.workers.campaigns import TwoStageCampaign
from tests.workers.house import House, Worker, wait_until
from up import postgres

WITHIN_S = 120
SMALL = {"memory_mb": 100, "disk_mb": 1}
LIKE = (
    "UPDATE stage SET batch_system = (SELECT batch_system FROM stage WHERE id = $2) WHERE id = $1"
)


def restore_later(source: str, target: str) -> Callable[[], None]:
    """Dump now; what is given back restores it."""
    bin_ = postgres.locate_programs()
    dump = subprocess.run(
        [bin_ / "pg_dump", "--format=custom", source], check=True, capture_output=True
    ).stdout

    def restore() -> None:
        given: list[str | Path] = [
            bin_ / "pg_restore",
            "--no-owner",
            "--exit-on-error",
            "--dbname",
            target,
        ]
        subprocess.run(given, input=dump, check=True, capture_output=True)

    return restore


def count_starts(spool: Path) -> Counter[tuple[str, str]]:
    """How often each job of each launch was started, by the payloads' own journals.

    Where nothing is shared with the jobs these do not come back: there by the reports of its attempts.
    """
    found: Counter[tuple[str, str]] = Counter()
    for report in (spool / "launches").glob("*/reports/*.json"):
        launch = report.parent.parent
        number = report.name.partition(".")[0]
        found[launch.name, number] += not (launch / f"starts/{number}.jsonl").exists()
    for journal in (spool / "launches").glob("*/starts/*.jsonl"):
        found[journal.parent.parent.name, journal.stem] += len(journal.read_text().splitlines())
    return found


async def launch_surviving(campaign: TwoStageCampaign, worker: Worker) -> str:
    """Launch what still runs when the worker has ended; its mark."""
    house, plant = campaign.house, campaign.plant
    stage = await plant.stage(
        "slow", ["/bin/sleep", "600"], kind="generator", patterns=[], resources=SMALL
    )
    await house.db.execute(LIKE, stage, campaign.generate)
    id = await TwoStageCampaign(house, plant, stage, stage).launch()
    running = "SELECT state = 'running' FROM submission WHERE id = $1"
    await wait_until(lambda: house.db.fetchval(running, id), "running jobs", house, WITHIN_S)
    attempt = await launches.find_current_attempt(house.db, id)
    assert attempt is not None
    await wait_until(lambda: is_journalled(house.spool, attempt.mark), "the job's journal", house)
    await wait_for_end(worker)
    return attempt.mark


async def is_journalled(spool: Path, mark: str) -> bool:
    """Whether the job's own journal has its start, which comes after its batch system told it; where that is seen."""
    launch = spool / "launches" / mark
    return (launch / file_transfer.PACK).exists() or any((launch / "starts").glob("*.jsonl"))


async def wait_for_end(worker: Worker) -> None:
    worker.send_signal(signal.SIGTERM)
    async with asyncio.timeout(30):
        while worker.poll() is None:
            await asyncio.sleep(0.02)


async def is_restored_beside_a_live_batch_system(
    campaign: TwoStageCampaign, again: House, dies_at: Callable[[House, str], Awaitable[None]]
) -> None:
    """The whole story; `again` is the same house on the database that the dump becomes."""
    house, settings = campaign.house, {"POMS_RECONCILE_S": "1"}
    under_way = await campaign.launch()
    await dies_at(house, "launch.intend.after")
    waiting = await campaign.launch()
    restore = restore_later(house.database_url, again.database_url)

    # Launches go on: what was under way, what waited, and what the dump has never heard of.
    worker = house.worker(**settings)
    unheard = await campaign.launch()
    await wait_until(lambda: is_all_over(campaign), "the end of everything", house, WITHIN_S)
    slow = await launch_surviving(campaign, worker)
    ran = count_starts(house.spool)
    assert set(ran.values()) == {1}
    known = await launches.find_current_attempt(house.db, under_way)
    assert known is not None
    forgotten = {slow} | {mark for mark, _ in ran} - {known.mark}
    last = await house.db.fetchval("SELECT max(id) FROM submission")

    restore()
    again.db = await open_pool(again.database_url)
    worker = again.worker(**settings)
    try:
        await wait_until(lambda: has_orphans(again.db, forgotten), "the orphans", again, WITHIN_S)
        await wait_until(lambda: has_ended(again.db, under_way), "what ran", again, WITHIN_S)
        twice = TwoStageCampaign(
            again, Factory(again.db, *read_planted(campaign.plant)), campaign.generate, 0
        )
        new = await twice.launch()
        assert new > last >= unheard
        await wait_until(lambda: is_waiting(again.db, waiting, new), "the reasons", again)
        assert count_starts(house.spool) == ran, "something was started twice"
        assert await again.db.fetchval("SELECT count(*) FROM past_history") == 1

        # A person decides about what still runs; only then launches go on, under marks of the new history.
        (running,) = [row for row in await list_discrepancies(again.db) if row.jobs]
        assert running.mark == slow
        person_id = campaign.plant.person_id
        await discrepancies.request_repair(again.db, running.id, person_id)
        await wait_until(lambda: has_ended(again.db, waiting, new), "the launches", again, WITHIN_S)
        now = count_starts(house.spool)
        assert {key: now[key] for key in ran} == ran
        assert set(now.values()) == {1}

        # What is over is closed by its repair, and not found again.
        rest = [row.id for row in await list_discrepancies(again.db) if row.id != running.id]
        assert len(rest) == len(forgotten) - 1
        await discrepancies.ask_for_all(again.db, rest, person_id)
        await wait_until(
            lambda: is_all_closed(again.db, len(forgotten)), "the repairs", again, WITHIN_S
        )
    finally:
        await wait_for_end(worker)
        again.db.terminate()


def read_planted(plant: Factory) -> tuple[int, int, int, int]:
    return plant.experiment_id, plant.person_id, plant.setup_id, plant.campaign_id


async def is_all_over(campaign: TwoStageCampaign) -> bool:
    """Every submission has ended, and nothing follows any more."""
    going = "SELECT count(*) FROM submission WHERE ended_at IS NULL OR advanced_at IS NULL OR check_at IS NOT NULL"
    return not await campaign.house.db.fetchval(going)


async def list_discrepancies(db: Pool) -> list[Discrepancy]:
    wanted = discrepancies.DiscrepancyFilter(is_open=True)
    return await discrepancies.list_page(db, wanted, 0, 1000, newest=False)


async def has_orphans(db: Pool, marks: set[str]) -> bool:
    rows = await list_discrepancies(db)
    assert {row.kind for row in rows} <= {DiscrepancyKind.ORPHAN}, rows
    return {row.mark for row in rows} == marks


async def is_all_closed(db: Pool, number: int) -> bool:
    """Nothing is open, and so many were repaired."""
    repaired = "SELECT count(*) FROM discrepancy WHERE resolution = 'repaired'"
    return not await list_discrepancies(db) and await db.fetchval(repaired) == number


async def has_ended(db: Pool, *ids: int) -> bool:
    sql = "SELECT count(*) = $2 FROM submission WHERE id = ANY($1) AND ended_at IS NOT NULL"
    return bool(await db.fetchval(sql, list(ids), len(ids)))


async def is_waiting(db: Pool, *ids: int) -> bool:
    sql = "SELECT count(*) = $2 FROM submission WHERE id = ANY($1) AND state = 'new' AND reason ~ 'forgotten'"
    return bool(await db.fetchval(sql, list(ids), len(ids)))
