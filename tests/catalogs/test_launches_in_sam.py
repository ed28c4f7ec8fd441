"""Launches in SAM: named before anything runs, handed out by a project, accounted for and located by what SAM knows."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest

from catalogs import CatalogFile
from catalogs.opening import CatalogClients
from db.launching import late_files, slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from db.submissions import recovery_chain, submissions
from db.submissions.submissions import Submission
from tests.catalogs.sam_bench import SamBench
from tests.catalogs.test_listed_by_workers import CREDENTIAL
from tests.catalogs.test_listings import WorkerKilled
from tests.factories import Factory
from tests.worker_tools import make_worker_tools
from tests.workers.kill_points import NAMES
from workers import advance, catalog_launches, failpoints
from workers.credential_store import CredentialStore
from workers.tools import WorkerTools

CATALOG = """
    INSERT INTO catalog (experiment_id, name, kind, url, credential_id) VALUES ($1, 'sam', 'sam', $2, $3) RETURNING id
"""
FILES = """
    WITH made AS (
        INSERT INTO file (experiment_id, name, size, catalog, location)
        SELECT $1, n, 0, c, CASE WHEN c = 'embedded' THEN '/x' END FROM unnest($3::text[], $4::text[]) AS x (n, c)
        RETURNING id
    ), grown AS (
        UPDATE dataset SET head = 3 WHERE id = $2
    )
    INSERT INTO dataset_file (dataset_id, ordinal, file_id) SELECT $2, row_number() OVER (ORDER BY id) - 1, id FROM made
"""
THREE = ["a.root", "b.root", "c.root"]
SCRIPT = "UPDATE job_type SET kind = 'script', consumption = 'project'"
MOVE = "UPDATE submission SET state = $2 WHERE id = $1"
ENDED = (
    "UPDATE submission SET state = 'completed', ended_at = now(), check_at = now() WHERE id = $1"
)
DUE = "UPDATE catalog_launch SET next_try_at = now(), held_until = NULL"
LONG_AGO = "UPDATE catalog_launch SET concluded_at = now() - interval '1 hour'"
FATES = """
    SELECT f.name, i.delivery, i.outcome, i.reason FROM input_file i JOIN file f ON f.id = i.file_id
     WHERE i.submission_id = $1 ORDER BY f.name
"""
OUTPUTS = """
    SELECT o.name, o.state::text, f.location, f.catalog, o.ancestors IS NOT NULL AS is_far
      FROM output_file o LEFT JOIN file f ON f.id = o.file_id WHERE o.submission_id = $1 ORDER BY o.name
"""
KILLED_AT = sorted(
    f"{name}.{side}"
    for name in {*NAMES}
    if name.startswith("catalog.")
    for side in ("before", "after")
)


@dataclass
class SamLaunch:
    """A stage of three files that SAM has, and a worker."""

    db: Pool
    tools: WorkerTools
    sam: SamBench
    plant: Factory
    stage: int

    @classmethod
    async def make(
        cls, db: Pool, worker_db: Pool, sam: SamBench, folder: Path, given: Sequence[str]
    ) -> "SamLaunch":
        """`given` are the catalogs of its files."""
        plant = await Factory.make(db)
        credential = await db.fetchval(CREDENTIAL, plant.experiment_id, plant.person_id, "token")
        own = folder / f"e{plant.experiment_id}"
        own.mkdir(exist_ok=True)
        (own / "secret").write_text("ours\n")
        await db.execute(CATALOG, plant.experiment_id, sam.base, credential)
        dataset = await plant.dataset("raw")
        await db.execute(FILES, plant.experiment_id, dataset, THREE, given)
        await sam.put_files([CatalogFile(name, 0, events=1) for name in THREE])
        stage = await plant.stage("reco", ["true"], dataset_id=dataset)
        await db.execute("UPDATE stage SET batch_system = 'htcondor'")
        await db.execute(SCRIPT)
        tools = make_worker_tools(worker_db, vault=CredentialStore(folder), lease_s=30)
        made = cls(db, tools, sam, plant, stage)
        made.forget_circuit()
        return made

    def forget_circuit(self) -> None:
        """As a worker that has just begun."""
        clients = CatalogClients(frozenset([urlsplit(self.sam.url).netloc]))
        self.tools = replace(self.tools, catalogs=clients)

    async def launch(self) -> Submission:
        asked = LaunchRequest(self.plant.person_id)
        outcome = await slices.launch_next(self.db, self.stage, asked)
        assert outcome.submission is not None, outcome.why
        return outcome.submission

    async def explain_wait(self, submission: Submission) -> str | None:
        return await catalog_launches.explain_launch_wait(self.tools, submission)

    async def work(self) -> None:
        """Do all that is due, as a worker does."""
        await self.db.execute(DUE)
        source = catalog_launches.make_dispatcher()
        while await source.step(self.tools):
            await source.pool.drain()
        await source.pool.drain()

    async def prepare(self) -> Submission:
        """Launch, as far as to its jobs."""
        submission = await self.launch()
        assert await self.explain_wait(submission)
        await self.work()
        assert await self.explain_wait(submission) is None
        return submission

    async def find(self, id: int) -> dict[str, Any]:
        row = await self.db.fetchrow("SELECT * FROM catalog_launch WHERE submission_id = $1", id)
        assert row is not None
        return dict(row)

    async def take_files(self, id: int, *fates: str) -> None:
        """Have a job of the project take a file for each of these, and say that of it; empty: it says nothing more."""
        project = f"/projects/name/{(await self.find(id))['project']}"
        process = (await self.sam.call("POST", f"{project}/establishProcess")).text
        for fate in fates:
            name = (
                await self.sam.call("POST", f"{project}/process/{process}/getNextFile")
            ).text.split()[1]
            if fate:
                told = {"filename": name, "status": fate}
                await self.sam.call(
                    "POST", f"{project}/process/{process}/updateFileStatus", data=told
                )

    async def declare(self, name: str, *parents: str, location: str = "dcache:/made") -> None:
        given = {
            "file_name": name,
            "file_size": 7,
            "file_type": "unknown",
            "parents": [{"file_name": parent} for parent in parents],
        }
        await self.sam.call("POST", "/files", json=given)
        if location:
            await self.locate(name, location)

    async def locate(self, name: str, location: str = "dcache:/made") -> None:
        place = {"add": f"{location}/{name}"}
        await self.sam.call("POST", f"/files/name/{name}/locations", data=place)

    async def end(self, submission: Submission) -> Submission:
        """Its jobs have ended."""
        for state in ("submitting", "idle", "running"):
            await self.db.execute(MOVE, submission.id, state)
        await self.db.execute(ENDED, submission.id)
        found = await submissions.find_by_id(self.db, submission.id)
        assert found is not None
        return found

    async def list_fates(self, id: int) -> dict[str, tuple[str, str, str | None]]:
        rows = await self.db.fetch(FATES, id)
        return {row["name"]: (row["delivery"], row["outcome"], row["reason"]) for row in rows}

    async def list_outputs(self, id: int) -> dict[str, str]:
        return {row["name"]: row["state"] for row in await self.db.fetch(OUTPUTS, id)}


@pytest.fixture
async def launches(
    db: Pool, worker_db: Pool, sam: SamBench, tmp_path: Path, request: pytest.FixtureRequest
) -> SamLaunch:
    given = getattr(request, "param", ["sam"] * 3)
    return await SamLaunch.make(db, worker_db, sam, tmp_path, given)


async def test_nothing_is_launched_before_its_files_have_their_name_and_project(
    launches: SamLaunch,
) -> None:
    submission = await launches.launch()
    await launches.sam.set_faults(status=503, text="busy")
    name = submission.runs_with.works_on
    assert await launches.explain_wait(submission) == (
        f"It waits until its files have a name in their catalog: {name}"
    )
    await launches.work()
    why = await launches.explain_wait(submission)
    assert why is not None
    assert "does not answer" in why
    await launches.sam.set_faults()
    launches.forget_circuit()
    await launches.work()
    assert await launches.explain_wait(submission) is None
    listed = (await launches.sam.call("GET", f"/definitions/name/{name}/files/list")).text
    assert listed.split() == THREE
    project = (await launches.find(submission.id))["project"]
    summary = await launches.sam.call("GET", f"/projects/name/{project}/summary?format=json")
    assert (summary.json()["files_in_snapshot"], summary.json()["dataset_def_name"]) == (3, name)
    assert await catalog_launches.read_variables(launches.tools, submission) == {
        "SAM_WEB_BASE_URL": launches.sam.base,
        "SAM_EXPERIMENT": "hypot",
        "SAM_STATION": "hypot",
        "SAM_GROUP": "hypot",
        "SAM_PROJECT": project,
        "SAM_PROJECT_NAME": project,
    }


async def test_a_name_that_stands_for_others_is_left_alone(launches: SamLaunch) -> None:
    submission = await launches.launch()
    name = submission.runs_with.works_on
    theirs = {"defname": name, "dims": "file_name theirs"}
    await launches.sam.call("POST", "/definitions/create", data=theirs)
    await launches.sam.call("POST", f"/definitions/name/{name}/snapshot")
    assert await launches.explain_wait(submission)
    await launches.work()
    why = await launches.explain_wait(submission)
    assert why is not None
    assert "is in use" in why
    shown = (await launches.sam.call("GET", f"/definitions/name/{name}/describe")).json()
    assert shown["dimensions"] == "file_name theirs"


async def test_what_a_project_says_of_files_is_what_became_of_them(launches: SamLaunch) -> None:
    submission = await launches.prepare()
    first, second, third = THREE
    await launches.take_files(submission.id, "consumed")
    await launches.work()
    assert (await launches.list_fates(submission.id))[first] == ("consumed", "done", None)
    await launches.take_files(submission.id, "")
    await launches.declare("made_of_first", first)
    await launches.declare("made_of_second", second)
    await launches.declare("nowhere", first, location="")
    ended = await launches.end(submission)
    assert await catalog_launches.explain_unknown(launches.tools, ended) == ""
    await launches.work()
    assert await catalog_launches.explain_unknown(launches.tools, ended) is None
    assert await launches.list_fates(submission.id) == {
        first: ("consumed", "done", None),
        second: (
            "delivered",
            "failed",
            "it was handed out, and nobody told the project that it was done",
        ),
        third: ("waiting", "failed", "the project did not hand it out"),
    }
    assert await launches.list_outputs(submission.id) == {
        "made_of_first": "located",
        "made_of_second": "superseded",
    }
    row = await launches.db.fetchrow(OUTPUTS, submission.id)
    assert row is not None
    assert (row["location"], row["catalog"]) == ("dcache:/made/made_of_first", "sam")
    counts = await launches.db.fetchrow(
        "SELECT files_done, files_failed, outputs_located FROM submission WHERE id = $1", ended.id
    )
    assert counts is not None
    assert tuple(counts) == (1, 2, 1)
    project = await launches.find(submission.id)
    assert (project["waiting"], project["delivered"], project["consumed"]) == (1, 1, 1)


async def test_where_a_project_can_not_be_asked_nothing_is_concluded_and_the_submission_says_why(
    launches: SamLaunch,
) -> None:
    submission = await launches.prepare()
    await launches.take_files(submission.id, "consumed", "consumed", "skipped")
    await launches.end(submission)
    await launches.sam.set_faults(status=401, text="the token has ended")
    await launches.work()
    source = advance.make_dispatcher()
    assert await source.step(launches.tools)
    await source.pool.drain()
    row = await launches.db.fetchrow(
        "SELECT decision_needed, advanced_at, files_failed FROM submission WHERE id = $1",
        submission.id,
    )
    assert row is not None
    assert "its project can't be asked what became of its files" in row["decision_needed"]
    assert "the token has ended" in row["decision_needed"]
    assert (row["advanced_at"], row["files_failed"]) == (None, 0)
    await launches.sam.set_faults()
    launches.forget_circuit()
    await launches.work()
    assert await source.step(launches.tools)
    await source.pool.drain()
    row = await launches.db.fetchrow(
        "SELECT decision_needed, advanced_at IS NOT NULL, files_failed FROM submission WHERE id = $1",
        submission.id,
    )
    assert row is not None
    assert tuple(row) == ("", True, 1)


async def test_what_is_cancelled_before_it_is_known_leaves_no_project_open(
    launches: SamLaunch,
) -> None:
    submission = await launches.launch()
    assert await launches.explain_wait(submission)
    found = await launches.find(submission.id)
    await launches.sam.catalog.create_definition(found["name"], "file_name a.root")
    await launches.sam.catalog.start_project(found["project"], found["name"])
    await launches.db.execute(
        "UPDATE submission SET state = 'cancelled', ended_at = now() WHERE id = $1", submission.id
    )
    await launches.work()
    assert (await launches.find(submission.id))["state"] == "concluded"
    project = await launches.sam.catalog.read_project(found["project"])
    assert project is not None
    assert project.is_over


async def test_what_sam_comes_to_know_later_is_located_later(launches: SamLaunch) -> None:
    submission = await launches.prepare()
    await launches.take_files(submission.id, "consumed", "consumed", "consumed")
    await launches.declare("late", THREE[0], location="")
    ended = await launches.end(submission)
    await launches.work()
    assert await launches.list_outputs(submission.id) == {}
    await launches.locate("late")
    await launches.db.execute(LONG_AGO)
    assert await catalog_launches.explain_unknown(launches.tools, ended) == ""
    await launches.work()
    assert await launches.list_outputs(submission.id) == {"late": "located"}


async def test_what_is_made_of_what_was_made_is_located_as_deep_as_its_stage_says(
    launches: SamLaunch,
) -> None:
    await launches.db.execute("UPDATE stage SET output_ancestor_depth = 2")
    submission = await launches.prepare()
    await launches.take_files(submission.id, "consumed", "consumed", "consumed")
    first, second, _ = THREE
    await launches.declare("child", first, second)
    await launches.declare("grandchild", "child")
    await launches.end(submission)
    await launches.work()
    rows = await launches.db.fetch(OUTPUTS, submission.id)
    assert {row["name"]: (row["state"], row["is_far"]) for row in rows} == {
        "child": ("located", False),
        "grandchild": ("located", True),
    }
    above = await launches.db.fetchval(
        "SELECT ancestors FROM output_file WHERE name = 'grandchild'"
    )
    files = await launches.db.fetch(
        "SELECT id FROM file WHERE name = ANY($1) ORDER BY id", [first, second]
    )
    assert above == {"2": [row["id"] for row in files]}
    parents = await launches.db.fetchval("SELECT count(*) FROM file_parent")
    assert parents == 3


@pytest.mark.parametrize("launches", [["sam", "sam", "embedded"]], indirect=True)
async def test_files_of_another_catalog_are_handed_out_by_no_project(launches: SamLaunch) -> None:
    submission = await launches.launch()
    assert await launches.explain_wait(submission)
    await launches.work()
    why = await launches.explain_wait(submission)
    assert why is not None
    assert f"{THREE[-1]} is not one of the files of sam" in why


@pytest.mark.parametrize("launches", [["embedded"] * 3], indirect=True)
async def test_without_sam_no_project_hands_files_out(launches: SamLaunch) -> None:
    why = await launches.explain_wait(await launches.launch())
    assert why == "It waits: its files are in no SAM catalog, so that no project can hand them out."


async def test_what_follows_exit_codes_has_a_name_for_what_was_made(launches: SamLaunch) -> None:
    db = launches.db
    dataset = await launches.plant.dataset("later")
    after = await launches.plant.stage("after", ["true"], dataset_id=dataset)
    await launches.plant.edge(launches.stage, after, ["ana%.root", "*.hist"])
    await db.execute("UPDATE stage SET batch_system = 'htcondor', software_version = 'v1'")
    await db.execute("UPDATE job_type SET kind = 'script', consumption = 'exit_code'")
    origin = await launches.prepare()
    assert (await launches.find(origin.id))["project"] == ""
    (dependency,) = await recovery_chain.list_outgoing(db, launches.stage)
    async with db.acquire() as conn, conn.transaction():
        outcome = await late_files.launch_named(conn, dependency, origin)
    assert outcome.submission is not None
    assert await launches.explain_wait(outcome.submission)
    await launches.work()
    assert await launches.explain_wait(outcome.submission) is None
    shown = await launches.sam.call("GET", f"/definitions/name/poms_depends_{origin.id}_1/describe")
    since = f"{origin.created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    assert shown.json()["dimensions"] == (
        f"ischildof: (defname: raw_slice1_stage{launches.stage}) and create_date > '{since}'"
        " and version v1 and (file_name 'ana%.root' or file_name '%.hist')"
    )


class KnownLaunch(Protocol):
    """What a worker works on, and is killed at."""

    db: Pool
    tools: WorkerTools


async def kill_while_working(launches: KnownLaunch) -> None:
    """Step as far as a worker comes that is killed."""
    await launches.db.execute(DUE)
    source = catalog_launches.make_dispatcher()
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    with suppress(WorkerKilled):
        await source.step(launches.tools)
        while source.pool._tasks:
            await asyncio.wait(source.pool._tasks)


@pytest.mark.parametrize("place", KILLED_AT)
async def test_whoever_comes_after_a_killed_worker_goes_on(
    launches: SamLaunch, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def die(_process: int, _signal: int) -> None:
        raise WorkerKilled

    async def work_and_die() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "kill", die)
            await kill_while_working(launches)
        await launches.work()

    failpoints.arm_failpoint(place)
    submission = await launches.launch()
    assert await launches.explain_wait(submission)
    await work_and_die()
    assert await launches.explain_wait(submission) is None
    await launches.take_files(submission.id, "consumed", "consumed", "skipped")
    await launches.declare("made", THREE[0])
    await launches.end(submission)
    await work_and_die()
    assert failpoints._armed == {}, place
    assert (await launches.find(submission.id))["state"] == "concluded"
    outcomes = [outcome for _, outcome, _ in (await launches.list_fates(submission.id)).values()]
    assert outcomes == ["done", "done", "failed"]
    assert await launches.list_outputs(submission.id) == {"made": "located"}
    counted = await launches.db.fetchrow(
        "SELECT files_done, files_failed, outputs_located FROM submission WHERE id = $1",
        submission.id,
    )
    assert counted is not None
    assert tuple(counted) == (2, 1, 1)
