"""A database is dumped, launches go on, the dump is restored beside the live batch system: nothing starts twice."""

import asyncio
import signal
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from db import discrepancies, launches
from db.discrepancies import Discrepancy
from db.pool import Pool, open_pool
from domain.discrepancies import DiscrepancyKind
from tests.plant import Plant
from tests.workers.campaigns import Two
from tests.workers.house import House, until
from up import postgres

WITHIN_S = 120


def dump_and_restore(source: str, target: str) -> Callable[[], None]:
    """Dump now; what is given back restores it."""
    bin_ = postgres.programs()
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


def starts(spool: Path) -> Counter[tuple[str, str]]:
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


async def ended(worker: "subprocess.Popen[bytes]") -> None:
    worker.send_signal(signal.SIGTERM)
    async with asyncio.timeout(30):
        while worker.poll() is None:
            await asyncio.sleep(0.02)


async def is_restored_beside_a_live_batch_system(
    campaign: Two, again: House, dies_at: Callable[[House, str], Awaitable[None]]
) -> None:
    """The whole story; `again` is the same house on the database that the dump becomes."""
    house, settings = campaign.house, {"POMS_RECONCILE_S": "1"}
    under_way = await campaign.launch()
    await dies_at(house, "launch.intend.after")
    waiting = await campaign.launch()
    restore = dump_and_restore(house.database_url, again.database_url)

    # Launches go on: what was under way, what waited, and what the dump has never heard of.
    worker = house.worker(**settings)
    unheard = await campaign.launch()
    await until(lambda: all_over(campaign), "the end of everything", house, WITHIN_S)
    await ended(worker)
    ran = starts(house.spool)
    assert set(ran.values()) == {1}
    known = await launches.current(house.db, under_way)
    assert known is not None
    forgotten = {mark for mark, _ in ran} - {known.mark}
    last = await house.db.fetchval("SELECT max(id) FROM submission")

    restore()
    again.db = await open_pool(again.database_url)
    worker = again.worker(**settings)
    try:
        await until(lambda: orphans(again.db, forgotten), "the orphans", again, WITHIN_S)
        await until(lambda: has_ended(again.db, under_way), "what ran", again, WITHIN_S)
        twice = Two(again, Plant(again.db, *planted(campaign.plant)), campaign.generate, 0)
        new = await twice.launch()
        assert new > last >= unheard
        await until(lambda: waits(again.db, waiting, new), "the reasons", again)
        assert starts(house.spool) == ran, "something was started twice"
        assert await again.db.fetchval("SELECT count(*) FROM past_history") == 1

        # A person decides; only then launches go on, under marks of the new history.
        for row in await told(again.db):
            await discrepancies.dismiss(again.db, row.id, campaign.plant.person_id, "known")
        await until(lambda: has_ended(again.db, waiting, new), "the launches", again, WITHIN_S)
        now = starts(house.spool)
        assert {key: now[key] for key in ran} == ran
        assert set(now.values()) == {1}
    finally:
        await ended(worker)
        again.db.terminate()


def planted(plant: Plant) -> tuple[int, int, int, int]:
    return plant.experiment_id, plant.person_id, plant.setup_id, plant.campaign_id


async def all_over(campaign: Two) -> bool:
    """Every submission has ended, and nothing follows any more."""
    going = "SELECT count(*) FROM submission WHERE ended_at IS NULL OR advanced_at IS NULL OR check_at IS NOT NULL"
    return not await campaign.house.db.fetchval(going)


async def told(db: Pool) -> list[Discrepancy]:
    wanted = discrepancies.Wanted(is_open=True)
    return await discrepancies.some(db, wanted, 0, 1000, newest=False)


async def orphans(db: Pool, marks: set[str]) -> bool:
    rows = await told(db)
    assert {row.kind for row in rows} <= {DiscrepancyKind.ORPHAN}, rows
    return {row.mark for row in rows} == marks


async def has_ended(db: Pool, *ids: int) -> bool:
    sql = "SELECT count(*) = $2 FROM submission WHERE id = ANY($1) AND ended_at IS NOT NULL"
    return bool(await db.fetchval(sql, list(ids), len(ids)))


async def waits(db: Pool, *ids: int) -> bool:
    sql = "SELECT count(*) = $2 FROM submission WHERE id = ANY($1) AND state = 'new' AND reason ~ 'forgotten'"
    return bool(await db.fetchval(sql, list(ids), len(ids)))
