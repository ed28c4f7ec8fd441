"""Outputs of jobs are declared in a real Rucio and MetaCat's own engine, and read back, before they are located."""

import hashlib
import os
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from catalogs.metacat import MetaCatCatalog
from catalogs.opening import CatalogClients
from catalogs.rucio import RucioCatalog
from catalogs.rucio.server import RucioDid
from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from db.submissions import submissions
from db.submissions.submissions import Submission
from domain.people.experiment_folders import locate_experiment_folder
from domain.submissions.file_states import OUTPUTS_QUESTION
from tests.catalogs import test_metacat, test_rucio
from tests.catalogs.catalog_servers import CatalogServer, execute_statement
from tests.catalogs.listings import list_all_files
from tests.catalogs.opened_catalogs import open_metacat, open_rucio
from tests.catalogs.test_launches_in_sam import ENDED, MOVE
from tests.catalogs.test_listed_by_workers import CREDENTIAL
from tests.catalogs.test_listings import WorkerKilled
from tests.factories import Factory
from tests.worker_tools import make_worker_tools
from tests.workers.kill_points import NAMES
from workers import advance, failpoints
from workers.credential_store import CredentialStore
from workers.tools import WorkerTools

pytestmark = pytest.mark.xdist_group("rucio")

CATALOG = """
    INSERT INTO catalog (experiment_id, name, kind, url, settings, credential_id)
    VALUES ($1, $2, $2::text::catalog_kind, $3, $4, $5)
"""
PLACE = "root://store.test:1094//CHOSEN_A"
INPUT = """
    INSERT INTO file (experiment_id, name, size, catalog, location)
    SELECT $1, n, 1, c, '/x' FROM unnest($2::text[], $3::text[]) AS x (n, c)
    RETURNING id
"""
DECLARE = """
    WITH counted AS (UPDATE submission SET outputs_declared = outputs_declared + 1 WHERE id = $1)
    INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, parents, made_from, ancestors,
                             events, metadata, state)
    VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, 7, $10, 'declared')
"""
OUTPUTS = "SELECT name, number, state::text, problem FROM output_file ORDER BY name, number"


@dataclass
class DeclaringStage:
    """A submission whose outputs are told to both catalogs, and a worker."""

    db: Pool
    tools: WorkerTools
    rucio: RucioCatalog
    metacat: MetaCatCatalog
    plant: Factory
    submission: Submission
    folder: Path
    scope: str

    @property
    def dataset(self) -> str:
        return f"{self.scope}:poms_outputs_{self.submission.id}"

    async def put_output(self, name: str, number: int = 1, *, text: str = "", **more: Any) -> None:
        """Write a file, and declare it as a job does."""
        content = (text or name).encode()
        path = self.folder / str(number) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        usual = {"parents": [], "made_from": [], "ancestors": None, "metadata": {}} | more
        checksum = f"sha256:{hashlib.sha256(content).hexdigest()}"
        args = number, name, str(path), len(content), checksum, *usual.values()
        await self.db.execute(DECLARE, self.submission.id, *args)

    async def inspect(self) -> None:
        await advance.inspect_outputs(self.tools, self.submission)

    async def advance(self) -> Submission:
        """As a worker does when the jobs have ended."""
        source = advance.make_dispatcher()
        assert await source.step(self.tools)
        await source.pool.drain()
        return await self.find_submission()

    async def find_submission(self) -> Submission:
        found = await submissions.find_by_id(self.db, self.submission.id)
        assert found is not None
        return found

    async def list_outputs(self) -> list[tuple[str, int, str, str | None]]:
        return [tuple(row) for row in await self.db.fetch(OUTPUTS)]

    async def list_declared(self) -> tuple[list[str], list[str]]:
        """What each catalog has in the submission's dataset: no file twice."""
        return (
            sorted(await list_all_files(self.rucio, self.dataset)),
            sorted(await list_all_files(self.metacat, self.dataset)),
        )


@pytest.fixture
async def stage(
    db: Pool, worker_db: Pool, rucio_server: CatalogServer, metacat_server: CatalogServer, tmp_path: Path,
) -> AsyncIterator[DeclaringStage]:  # fmt: skip
    plant = await Factory.make(db)
    # The one Rucio and MetaCat know the submissions of other tests, too, whose databases count from 1 as well.
    scope = f"outputs_{zlib.crc32(str(tmp_path).encode()):x}"
    secrets, store = tmp_path / "secrets", tmp_path / "store"
    (secrets / f"e{plant.experiment_id}").mkdir(parents=True)
    clients = CatalogClients(
        frozenset(urlsplit(each.url).netloc for each in (rucio_server, metacat_server))
    )
    folder = locate_experiment_folder(store, plant.experiment_id)
    of_rucio = {
        "account": "root", "user": "poms", "outputs_scope": scope, "outputs_storage": test_rucio.CHOSEN,
        "outputs_folder": str(folder), "outputs_prefix": PLACE,
    }  # fmt: skip
    of_metacat = {
        "user": "poms",
        "outputs_scope": scope,
        "sign_in_url": f"{metacat_server.url}/app/auth",
    }
    for kind, secret, name, url, settings in (
        ("password", "secret", "rucio", rucio_server.url, of_rucio),
        ("token", "good", "metacat", f"{metacat_server.url}/app", of_metacat),
    ):
        lies = f"{name}.secret"
        (secrets / f"e{plant.experiment_id}" / lies).write_text(secret)
        words = CREDENTIAL.replace("'service'", f"'{name}'").replace("'secret'", f"'{lies}'")
        credential = await db.fetchval(words, plant.experiment_id, plant.person_id, kind)
        await db.execute(CATALOG, plant.experiment_id, name, url, settings, credential)
    stage = await plant.stage("generate", ["true"], kind="generator")
    outcome = await slices.launch_next(db, stage, LaunchRequest(plant.person_id))
    assert outcome.submission is not None
    tools = make_worker_tools(
        worker_db, store, catalogs=clients, vault=CredentialStore(secrets), lease_s=30
    )
    async with AsyncExitStack() as stack:
        rucio = await stack.enter_async_context(open_rucio(rucio_server))
        metacat = await stack.enter_async_context(open_metacat(metacat_server))
        await test_rucio.prepare_storages(rucio)
        await rucio.http.ask("POST", f"/accounts/root/scopes/{scope}")
        words = (
            f"INSERT INTO namespaces (name, owner_user, creator) VALUES ('{scope}', 'poms', 'poms')"
        )
        await execute_statement(metacat_server.database, words)
        yield DeclaringStage(db, tools, rucio, metacat, plant, outcome.submission, folder, scope)


async def test_what_jobs_make_is_known_to_the_catalogs_before_it_is_located(
    stage: DeclaringStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advance, "LOOK", 2)  # so that they come in several pieces
    others = {"scope": stage.scope, "name": "taken", "bytes": 1000, "pfn": f"{PLACE}/others"}
    body = {"rse": test_rucio.CHOSEN, "files": [others], "ignore_availability": False}
    await stage.rucio.http.ask("POST", "/replicas/", json=body)
    raw = replace(test_metacat.make_output(""), name=f"{stage.scope}:raw")
    assert await stage.metacat.declare([raw], f"{stage.scope}:raws") == [None]
    given = [raw.name, "plain"], ["metacat", "embedded"]
    ids = [row["id"] for row in await stage.db.fetch(INPUT, stage.plant.experiment_id, *given)]
    # Its name comes after that of what was made from it.
    told = {"core.tier": "reco", "version": "v1"}
    await stage.put_output("middle", parents=ids, metadata=told)
    await stage.put_output("end", made_from=["middle"], ancestors={"2": ids})
    await stage.put_output("taken")
    await stage.put_output("middle", 2)  # once more alike, and once otherwise
    await stage.put_output("end", 3, text="something else", ancestors={"2": ids})
    for _ in range(2):
        await stage.inspect()
        found = await stage.list_outputs()
        assert [(name, state) for name, _, state, _ in found] == [
            ("end", "located"), ("end", "refused"), ("middle", "located"), ("middle", "located"), ("taken", "declared"),
        ]  # fmt: skip
        assert found[-1][3] == "Rucio has another file of this name: size 1000, not 5."
    now = await stage.find_submission()
    assert now.decision_needed == OUTPUTS_QUESTION
    assert "of job 3 was refused" in now.reason or "taken of job 1 is not located" in now.reason
    names = [f"{stage.scope}:{name}" for name in ("end", "middle", "taken")]
    assert await stage.list_declared() == (names[:2], names)
    where = await stage.rucio.locate(names[:2])
    assert [[(r.url.replace("A//", "A/"), r.storage) for r in each or ()] for each in where] == [
        [(f"{PLACE}/1/{name}", test_rucio.CHOSEN)] for name in ("end", "middle")
    ]
    assert await stage.metacat.list_children([raw.name, names[1], f"{stage.scope}:plain"]) == [
        [names[1]], [names[0]], None,
    ]  # fmt: skip
    keys = ["core.tier", "core.event_count", "poms.version"]
    known = (await list_all_files(stage.metacat, stage.dataset, keys))[names[1]]
    assert known.metadata == dict(zip(keys, ("reco", 7, "v1"), strict=True))
    listed = (await list_all_files(stage.rucio, stage.dataset))[names[1]]
    checksum = f"adler32:{zlib.adler32(b'middle'):08x}"
    assert (listed.size, listed.checksum, known.checksum) == (6, checksum, checksum)


async def test_a_catalog_that_takes_none_is_named_and_asked_again(stage: DeclaringStage) -> None:
    await stage.put_output("made")
    for state in ("submitting", "idle", "running"):
        await stage.db.execute(MOVE, stage.submission.id, state)
    await stage.db.execute(ENDED, stage.submission.id)
    change = "UPDATE catalog SET settings = settings || $1 WHERE name = 'rucio'"
    await stage.db.execute(change, {"outputs_storage": "NOWHERE"})
    now = await stage.advance()
    assert "outputs can't be declared in rucio: Rucio refuses: RSE" in now.decision_needed
    assert (now.advanced_at, now.outputs_located) == (None, 0)
    await stage.db.execute(change, {"outputs_storage": test_rucio.CHOSEN})
    await stage.db.execute("UPDATE submission SET check_at = now()")
    now = await stage.advance()
    assert (now.state, now.decision_needed, now.outputs_located) == ("located", "", 1)


KILLED_AT = sorted(
    f"{name}.{side}"
    for name in {*NAMES}
    if name.startswith("outputs.")
    for side in ("before", "after")
)


@pytest.mark.parametrize("place", KILLED_AT)
async def test_whoever_comes_after_a_killed_worker_declares_nothing_twice(
    stage: DeclaringStage, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def die(_process: int, _signal: int) -> None:
        raise WorkerKilled

    await stage.put_output("made")
    failpoints.arm_failpoint(place)
    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", die)
        with pytest.raises(WorkerKilled):
            await stage.inspect()
    assert [state for _, _, state, _ in await stage.list_outputs()] == ["declared"]
    await stage.inspect()
    assert failpoints._armed == {}
    assert [state for _, _, state, _ in await stage.list_outputs()] == ["located"]
    assert await stage.list_declared() == ([f"{stage.scope}:made"],) * 2
    did = RucioDid(stage.scope, "made")
    replicas = (await stage.rucio.read_replicas([did]))[did]
    assert replicas["states"] == {test_rucio.CHOSEN: "AVAILABLE"}
