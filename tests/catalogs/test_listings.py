"""Listings of datasets: complete or nothing, once each file, whatever the catalog or a worker does meanwhile."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from catalogs import CatalogFile
from catalogs.opening import CatalogClients
from db.files import listed_files, listings
from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.launching.slices import LaunchRefusal
from db.pool import Pool
from tests.catalogs.sam_bench import SamBench
from tests.catalogs.sam_server import ROOT
from tests.factories import Factory
from tests.worker_tools import make_worker_tools
from tests.workers.kill_points import NAMES
from workers import failpoints
from workers.listings import make_dispatcher
from workers.tools import WorkerTools

FILES = [CatalogFile(f"f{n:05}.root", n + 1, events=1) for n in range(2500)]
"""More than are published at once."""
CATALOG = "INSERT INTO catalog (experiment_id, name, kind, url) VALUES ($1, 'sam', 'sam', $2) RETURNING id"
DATASET = """
    INSERT INTO dataset (experiment_id, name, catalog, catalog_id, definition, policy, list_at, owner_id, owning_role)
    VALUES ($1, $2, 'sam', $3, $4, $5, now(), $6, 'production') RETURNING id
"""
NAMES_IN_ORDER = """
    SELECT d.ordinal, f.name FROM dataset_file d JOIN file f ON f.id = d.file_id
     WHERE d.dataset_id = $1 ORDER BY ordinal
"""
KILLED_AT = sorted(
    {
        f"{name}.{side}"
        for name in NAMES
        if name.startswith("listing.")
        for side in ("before", "after")
    }
)
KINDS = """
    SELECT kind FROM change_inbox
     WHERE kind LIKE '%listing%' OR kind LIKE 'catalog%' OR kind = 'dataset.listed' ORDER BY id
"""
STEAL = "UPDATE dataset_listing SET claims = claims + 1, held_until = NULL"
MISPLACED = """
    SELECT count(*) FROM listing_difference x JOIN file f USING (name) JOIN dataset_file d ON d.file_id = f.id
     WHERE d.dataset_id = $1 AND x.ordinal IS DISTINCT FROM d.ordinal
"""
STAGED = "SELECT count(*) FROM listed_file"
DUE = "UPDATE dataset_listing SET next_try_at = now(), held_until = NULL"


@dataclass
class ListedDataset:
    """A dataset that refers to a SAM, and a worker that lists it."""

    db: Pool
    tools: WorkerTools
    sam: SamBench
    plant: Factory
    catalog_id: int
    id: int = 0

    async def refer(self, definition: str = "", policy: str = "once") -> None:
        """Make the dataset."""
        self.id = await self.db.fetchval(
            DATASET, self.plant.experiment_id, "data", self.catalog_id, definition or self.sam.definition,
            policy, self.plant.person_id,
        )  # fmt: skip

    async def work(self) -> None:
        """Do all that is due, as a worker does."""
        source = make_dispatcher()
        while await source.step(self.tools):
            await source.pool.drain()
        await source.pool.drain()

    async def list_again(self) -> dict[str, Any]:
        """Ask for a listing, and work."""
        await listings.ask_for_listing(self.db, self.id, self.plant.person_id)
        await self.work()
        return await self.find_listing()

    async def find_listing(self) -> dict[str, Any]:
        row = await self.db.fetchrow("SELECT * FROM dataset_listing ORDER BY id DESC LIMIT 1")
        assert row is not None
        return dict(row)

    async def find(self) -> dict[str, Any]:
        row = await self.db.fetchrow("SELECT * FROM dataset WHERE id = $1", self.id)
        assert row is not None
        return dict(row)

    async def list_names(self) -> list[str]:
        """The names, in the order of their ordinals, of which there is no gap."""
        rows = await self.db.fetch(NAMES_IN_ORDER, self.id)
        assert [row["ordinal"] for row in rows] == list(range(len(rows)))
        assert (await self.find())["head"] == len(rows)
        return [row["name"] for row in rows]

    async def list_differences(self) -> dict[str, str]:
        rows = await self.db.fetch("SELECT name, kind::text FROM listing_difference")
        return {row["name"]: row["kind"] for row in rows}

    async def list_kinds(self) -> list[str]:
        """What was told, in its order."""
        rows = await self.db.fetch(KINDS)
        return [row["kind"] for row in rows]


@pytest.fixture
async def dataset(db: Pool, worker_db: Pool, sam: SamBench) -> ListedDataset:
    plant = await Factory.make(db)
    catalog = await db.fetchval(CATALOG, plant.experiment_id, sam.base)
    hosts = frozenset([urlsplit(sam.url).netloc])
    tools = make_worker_tools(worker_db, catalogs=CatalogClients(hosts), lease_s=30)
    return ListedDataset(db, tools, sam, plant, catalog)


async def test_a_dataset_gets_what_its_catalog_has_and_later_only_what_is_new(
    dataset: ListedDataset,
) -> None:
    await dataset.sam.put_files(FILES[:2400])
    await dataset.refer()
    await dataset.work()
    assert await dataset.list_names() == [file.name for file in FILES[:2400]]
    listing, known = await dataset.find_listing(), await dataset.find()
    assert (listing["state"], listing["fresh"], listing["gone"]) == ("published", 2400, 0)
    assert (known["listed_at"], known["unknown_since"], known["list_at"]) == (
        listing["begun_at"],
        None,
        None,
    )
    assert (known["bytes"], known["events"]) == (sum(range(2401)), 2400)
    file = await dataset.db.fetchrow("SELECT * FROM file WHERE name = 'f00007.root'")
    assert file is not None
    assert (file["location"], file["catalog"], file["size"]) == (None, "sam", 8)
    # One comes, one is gone, one is another: only the first changes the dataset.
    await dataset.sam.put_files(FILES[2400:])
    await dataset.sam.call("POST", "/files/name/f00001.root/retired_date")
    await dataset.sam.call("PUT", "/files/name/f00002.root/metadata", json={"file_size": 99})
    listing = await dataset.list_again()
    assert (listing["fresh"], listing["gone"], listing["differing"]) == (100, 1, 1)
    assert await dataset.list_names() == [file.name for file in FILES]
    assert await dataset.list_differences() == {"f00001.root": "gone", "f00002.root": "differs"}
    assert await dataset.db.fetchval(MISPLACED, dataset.id) == 0
    await dataset.sam.call("PUT", "/files/name/f00002.root/metadata", json={"file_size": 3})
    await dataset.list_again()
    assert await dataset.list_differences() == {"f00001.root": "gone"}
    assert await dataset.db.fetchval(STAGED) == 0
    assert await dataset.list_kinds() == [
        "dataset.listed", "dataset.listing_requested", "dataset.listed", "dataset.listing_requested", "dataset.listed",
    ]  # fmt: skip


async def test_what_listings_of_sam_leave_out_is_asked_of_new_files_alone(
    dataset: ListedDataset,
) -> None:
    more = {"end_time": "2026-03-01T10:00:00+00:00"}
    told = [
        CatalogFile(f"r{n}.root", 10, f"adler32:0000000{n}", 1, 7 - n, metadata=more)
        for n in range(3)
    ]
    await dataset.sam.put_files(told)
    await dataset.refer()
    await dataset.work()
    rows = await dataset.db.fetch("SELECT name, run, checksum, metadata FROM file ORDER BY id")
    assert await dataset.list_names() == ["r2.root", "r1.root", "r0.root"]
    assert {row["name"]: (row["run"], row["checksum"]) for row in rows} == {
        f"r{n}.root": (7 - n, f"adler32:0000000{n}") for n in range(3)
    }
    at = datetime(2026, 3, 1, 10, tzinfo=UTC).timestamp()
    assert {row["metadata"]["end_time"] for row in rows} == {at}
    # Of what is there nothing is asked again.
    await dataset.sam.put_files([CatalogFile("r9.root", 10, events=1, run=9)])
    await dataset.sam.call("PUT", "/files/name/r1.root/metadata", json={"runs": [[99, 1, "x"]]})
    await dataset.list_again()
    runs = await dataset.db.fetch("SELECT name, run FROM file ORDER BY name")
    assert {row["name"]: row["run"] for row in runs} == {
        "r0.root": 7, "r1.root": 6, "r2.root": 5, "r9.root": 9,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("faults", "trouble"),
    [
        ({"cut_after": 30_000, "path": "list"}, "cut"),
        ({"status": 200, "text": "f00001.root\t1\t2\t1\n", "path": "list"}, "listed 1 files"),
        ({"status": 200, "text": "nonsense\n", "path": "list"}, "no line of a SAM listing"),
    ],
)
async def test_what_is_incomplete_counts_for_nothing_and_is_tried_again(
    dataset: ListedDataset, faults: dict[str, Any], trouble: str
) -> None:
    await dataset.sam.put_files(FILES)
    await dataset.refer()
    await dataset.sam.set_faults(**faults)
    await dataset.work()
    listing, known = await dataset.find_listing(), await dataset.find()
    assert trouble in listing["trouble"]
    assert (listing["state"], listing["attempts"]) == ("requested", 1)
    assert listing["next_try_at"] > listing["requested_at"]
    assert known["unknown_since"] is not None
    assert await dataset.list_names() == []
    await dataset.db.execute(DUE)
    await dataset.work()
    await dataset.sam.set_faults()
    await dataset.db.execute(DUE)
    await dataset.work()
    assert len(await dataset.list_names()) == len(FILES)
    known = await dataset.find()
    assert (known["unknown_since"], known["listed_at"] is not None) == (None, True)
    # Told when it began and when it was over, not at each try.
    assert await dataset.list_kinds() == [
        "catalog.troubled", "dataset.listing_failed", "dataset.listed", "catalog.recovered",
    ]  # fmt: skip


async def test_what_a_catalog_refuses_is_not_asked_again_until_somebody_does_something(
    dataset: ListedDataset,
) -> None:
    await dataset.refer(definition="later", policy="growing")
    await dataset.work()
    listing, known = await dataset.find_listing(), await dataset.find()
    assert (listing["state"], known["list_at"]) == ("failed", None)
    assert "'later' not found" in listing["trouble"]
    await dataset.sam.put_files(FILES[:3])
    await dataset.sam.catalog.create_definition("later", "file_name %")
    listing = await dataset.list_again()
    assert (listing["state"], len(await dataset.list_names())) == ("published", 3)
    assert (await dataset.find())["list_at"] is not None


async def test_a_name_that_is_listed_twice_is_there_once_or_not_at_all(
    dataset: ListedDataset,
) -> None:
    await dataset.sam.put_files(FILES[:5])
    await dataset.refer()
    lines = "a\t1\t10\t1\nb\t2\t20\t1\na\t1\t10\t1\nc\t3\t30\t1\nc\t3\t31\t1\n"
    await dataset.sam.set_faults(status=200, text=lines, path="files/list")
    await dataset.work()
    listing = await dataset.find_listing()
    assert (listing["state"], listing["listed"], listing["doubled"]) == ("published", 5, 1)
    assert await dataset.list_names() == ["a", "b"]
    assert await dataset.list_differences() == {"c": "doubled"}


async def test_a_dataset_that_shrinks_waits_for_a_person(dataset: ListedDataset) -> None:
    await dataset.sam.put_files(FILES[:20])
    await dataset.refer(policy="growing")
    await dataset.work()
    for file in FILES[:3]:
        await dataset.sam.call("POST", f"/files/name/{file.name}/retired_date")
    await dataset.sam.put_files(FILES[20:21])
    listing = await dataset.list_again()
    assert (listing["state"], listing["gone"], listing["fresh"]) == ("waiting", 3, 1)
    await dataset.work()
    assert len(await dataset.list_names()) == 20
    decide = listings.decide_listing
    assert await decide(dataset.db, dataset.id, dataset.plant.person_id, "a mistake", accepts=False)
    assert (
        await decide(dataset.db, dataset.id, dataset.plant.person_id, "late", accepts=True) is None
    )
    assert (await dataset.find())["list_at"] is not None
    # Asked for anew it waits anew; who asks once more while it waits has it listed again.
    assert (await dataset.list_again())["state"] == "waiting"
    assert (await dataset.list_again())["state"] == "waiting"
    assert await decide(dataset.db, dataset.id, dataset.plant.person_id, "cleaned up", accepts=True)
    await dataset.work()
    assert len(await dataset.list_names()) == 21
    assert await dataset.list_differences() == dict.fromkeys(
        [file.name for file in FILES[:3]], "gone"
    )
    # What was accepted is not asked about again.
    assert (await dataset.list_again())["state"] == "published"


async def test_a_growing_dataset_is_read_only_when_its_catalog_tells_other_numbers(
    dataset: ListedDataset,
) -> None:
    await dataset.sam.put_files(FILES[:5])
    await dataset.refer(policy="growing")
    await dataset.work()
    due = "UPDATE dataset SET list_at = now() WHERE list_at > now() RETURNING id"
    waits = []
    for _ in range(3):
        waits.append(
            await dataset.db.fetchval("SELECT extract(epoch FROM list_at - now()) FROM dataset")
        )
        assert await dataset.db.fetchval(due) == dataset.id
        await dataset.work()
        assert (await dataset.find_listing())["is_unchanged"]
    # Later and later; and of such listings the newest alone is kept.
    assert waits == sorted(waits)
    assert await dataset.db.fetchval("SELECT count(*) FROM dataset_listing") == 2
    await dataset.sam.put_files(FILES[5:6])
    await dataset.db.execute(due)
    await dataset.work()
    assert len(await dataset.list_names()) == 6
    assert (await dataset.find())["idle_listings"] == 0


class WorkerKilled(BaseException):
    """As far as the database is concerned, this is the end of a process."""


async def test_whoever_comes_after_a_killed_worker_goes_on(
    dataset: ListedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(KILLED_AT) > 8

    def die(_process: int, _signal: int) -> None:
        raise WorkerKilled

    await dataset.sam.put_files(FILES[:1100])
    await dataset.refer()
    for number, place in enumerate(KILLED_AT):
        with monkeypatch.context() as patch:
            patch.setattr(os, "kill", die)
            failpoints.arm_failpoint(place)
            await kill_while_working(dataset)
        assert failpoints._armed == {}, place
        await dataset.db.execute(DUE)
        await dataset.work()
        assert (await dataset.find_listing())["state"] == "published", place
        assert len(await dataset.list_names()) == 1100, place
        # Another dataset, of the same files: all of it is to be done again.
        await dataset.db.execute(
            "UPDATE dataset SET name = $1 WHERE id = $2", f"d{number}", dataset.id
        )
        await dataset.refer()
    await listed_files.delete_left_over(dataset.tools.db)
    assert await dataset.db.fetchval(STAGED) == 0


async def kill_while_working(dataset: ListedDataset) -> None:
    """Step as far as a worker comes that is killed."""
    source = make_dispatcher()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    with suppress(WorkerKilled):
        await source.step(dataset.tools)
        while source.pool._tasks:
            await asyncio.wait(source.pool._tasks)


@pytest.mark.parametrize("place", ["listing.publish.after"])
async def test_a_worker_that_is_really_killed_leaves_whole_pieces(
    dataset: ListedDataset, database_url: str, place: str
) -> None:
    await dataset.sam.put_files(FILES)
    await dataset.refer()
    command = [
        sys.executable,
        "-m",
        "tests.catalogs.listing_worker",
        database_url,
        dataset.sam.url,
        place,
    ]
    killed = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert len(await dataset.list_names()) == 1000
    await dataset.db.execute(DUE)
    await dataset.work()
    assert await dataset.list_names() == [file.name for file in FILES]


async def test_who_has_lost_a_listing_writes_nothing_any_more(
    dataset: ListedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that hung until another had it finds out at its next write."""
    await dataset.sam.put_files(FILES)
    await dataset.refer()
    stage_files = listed_files.stage_files

    async def stage_late(*args: Any) -> int:
        await dataset.db.execute(STEAL)
        return await stage_files(*args)

    with monkeypatch.context() as patch:
        patch.setattr(listed_files, "stage_files", stage_late)
        source = make_dispatcher()
        await source.step(dataset.tools)
        await source.pool.drain()
    assert await dataset.db.fetchval(STAGED) == 0
    await dataset.work()
    assert len(await dataset.list_names()) == len(FILES)


async def test_a_stage_waits_for_the_first_listing_of_its_dataset(dataset: ListedDataset) -> None:
    await dataset.sam.put_files(FILES[:3])
    await dataset.refer()
    stage = await dataset.plant.stage("work", ["true"], dataset_id=dataset.id, split="nfiles(2)")
    asked = LaunchRequest(dataset.plant.person_id)
    none = await slices.launch_next(dataset.db, stage, asked)
    assert none.refusal is LaunchRefusal.NOTHING_YET
    assert "was not listed yet" in none.why
    await dataset.sam.set_faults(status=400, text='{"error": "x", "message": "out of order"}')
    await dataset.work()
    none = await slices.launch_next(dataset.db, stage, asked)
    assert "out of order" in none.why
    await dataset.sam.set_faults()
    await dataset.list_again()
    assert (await slices.launch_next(dataset.db, stage, asked)).submission
