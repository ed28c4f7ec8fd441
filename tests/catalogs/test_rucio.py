"""Rucio, asked by us and by the client of its makers: a real server, without its daemons."""

import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from catalogs import (
    CatalogRefused,
    CatalogSignInRefused,
    OutputDeclaration,
    StagingState,
)
from catalogs.rucio import RucioCatalog, staging
from catalogs.rucio.server import RucioDid, RucioRefusal
from tests.catalogs.catalog_servers import CatalogServer
from tests.catalogs.listings import list_all_files
from tests.catalogs.opened_catalogs import DISK, open_rucio

pytestmark = pytest.mark.xdist_group("rucio")

TAPE, CHOSEN = "TAPE_A", "CHOSEN_A"
"""On the last one whoever declares a file says where it lies."""
ACCESS = {"read": 1, "write": 1, "delete": 1}
PROTOCOL = {
    "hostname": "store.test", "port": 1094, "impl": "rucio.rse.protocols.xrootd.Default",
    "domains": {"lan": ACCESS, "wan": ACCESS | {"third_party_copy_read": 1, "third_party_copy_write": 1}},
}  # fmt: skip
OFFICIAL = """
import json
from rucio.client import Client
client = Client()
"""


async def ask_quietly(catalog: RucioCatalog, path: str, body: Any = None) -> None:
    """What is there already stays."""
    try:
        await catalog.http.ask("POST", path, json=body)
    except RucioRefusal as refusal:
        if refusal.kind not in ("Duplicate", "ScopeAlreadyExists"):
            raise


async def prepare_storages(catalog: RucioCatalog) -> None:
    """A scope, and storages of each kind."""
    await ask_quietly(catalog, "/accounts/root/scopes/dune")
    for name, kind in ((DISK, "DISK"), (TAPE, "TAPE"), (CHOSEN, "DISK")):
        rse = {"deterministic": name != CHOSEN, "volatile": False, "rse_type": kind}
        await ask_quietly(catalog, f"/rses/{name}", rse)
        path = f"/rses/{name}/protocols/root"
        await ask_quietly(catalog, path, PROTOCOL | {"prefix": f"//{name}/"})
        await ask_quietly(catalog, f"/accountlimits/local/root/{name}", {"bytes": 10**15})


@pytest.fixture
async def catalog(rucio_server: CatalogServer) -> AsyncIterator[RucioCatalog]:
    async with open_rucio(rucio_server) as made:
        await prepare_storages(made)
        yield made


def make_output(name: str, **more: Any) -> OutputDeclaration:
    """One whose location nobody has looked up: where names alone give it, Rucio says it."""
    checksums = {"adler32": f"{zlib.adler32(name.encode()):08x}", "sha256": "0" * 64}
    return OutputDeclaration(f"dune:{name}", 1000, checksums, **{"location": ""} | more)


async def declare_files(
    catalog: RucioCatalog, dataset: str, names: Sequence[str], storage: str = DISK
) -> None:
    """Without a word of where they lie."""
    items = [{"scope": "dune", "name": name, "bytes": 1000, "adler32": make_output(name).checksums["adler32"],
              "meta": {"events": 7, "run_number": 3}} for name in names]  # fmt: skip
    body = {"rse": storage, "files": items, "ignore_availability": False}
    await catalog.http.ask("POST", "/replicas/", json=body)
    did = RucioDid("dune", dataset)
    await catalog.make_dataset(did)
    await catalog.attach_files(did, [RucioDid("dune", name) for name in names])


async def test_files_of_a_container_come_once_as_to_the_official_client(
    catalog: RucioCatalog, rucio_server: CatalogServer
) -> None:
    names = [f"listed/{n}.root" for n in range(7)]
    await declare_files(catalog, "listed_a", names[:5])
    await declare_files(catalog, "listed_b", names[3:])
    body = {"type": "CONTAINER", "statuses": {}, "meta": {}, "dids": [
        {"scope": "dune", "name": "listed_a"}, {"scope": "dune", "name": "listed_b"}]}  # fmt: skip
    await catalog.http.ask("POST", "/dids/dune/listed", json=body)

    files = await list_all_files(catalog, "dune:listed", ["run_number", "datatype"])
    theirs = rucio_server.ask_official_client(
        OFFICIAL + "print(json.dumps(list(client.list_files('dune', 'listed'))))",
        RUCIO_HOME=str(rucio_server.folder),
    )
    assert len(theirs) == 9
    assert {(f["scope"] + ":" + f["name"], f["bytes"], "adler32:" + f["adler32"], f["events"]) for f in theirs} == {
        (f.name, f.size, f.checksum, f.events) for f in files.values()
    }  # fmt: skip
    assert {(f.run, tuple(f.metadata.items())) for f in files.values()} == {
        (3, (("run_number", 3),))
    }
    summary = await catalog.describe("dune:listed_a")
    assert (summary.files, summary.bytes, summary.is_closed) == (5, 5000, False)
    await catalog.http.ask("PUT", "/dids/dune/listed_a/status", json={"open": False})
    assert (await catalog.describe("dune:listed_a")).is_closed
    with pytest.raises(CatalogRefused, match="UnsupportedOperation"):
        await catalog.declare([make_output("late.root")], "dune:listed_a")
    assert (await list_all_files(catalog, "dune:listed_a")).keys() == {
        f"dune:{n}" for n in names[:5]
    }


async def test_what_is_not_there_and_who_may_not_are_refusals(
    catalog: RucioCatalog, rucio_server: CatalogServer
) -> None:
    for wrong, text in (("dune:none", "not found"), ("none", "scope:name")):
        with pytest.raises(CatalogRefused, match=text):
            await catalog.describe(wrong)
        with pytest.raises(CatalogRefused, match=text):
            await list_all_files(catalog, wrong)
    for wrong_one in (
        open_rucio(rucio_server, password="no"),
        open_rucio(rucio_server, token="no"),
    ):
        async with wrong_one as stranger:
            with pytest.raises(CatalogSignInRefused, match="credential"):
                await stranger.describe("dune:none")


async def test_what_is_declared_is_read_back(
    catalog: RucioCatalog,
) -> None:
    await declare_files(catalog, "made", ["made_0.root"])
    (replicas,) = await catalog.locate(["dune:made_0.root"])
    assert replicas is not None
    first = make_output("made_0.root", location=replicas[0].url)
    for wrong, text in (
        (replace(first, location="root://store.test:1094//elsewhere/made_0.root"), "and not at"),
        (replace(first, size=1001), "size 1000, not 1001"),
        (replace(first, checksums={"adler32": "00000001"}), "adler32"),
    ):
        (problem,) = await catalog.declare([wrong], "dune:made")
        assert problem is not None
        assert problem.needs_decision
        assert text in problem.text
    # Of the others none is kept back by one that Rucio can't take, and again nothing changes.
    path = replicas[0].url.split("1094/")[1]
    bad = replace(make_output("made_1.root"), checksums={"adler32": "none"})
    outputs = [replace(first, location=path), bad, first]
    for _ in range(2):
        said = await catalog.declare(outputs, "dune:made")
        assert [each and "InvalidObject" in each.text for each in said] == [None, True, None]


async def test_a_storage_without_rules_of_paths_is_told_where_files_lie(
    catalog: RucioCatalog, rucio_server: CatalogServer
) -> None:
    place = "root://store.test:1094//CHOSEN_A/any/where/"
    outputs = [
        make_output(f"chosen_{n}.root", location=f"{place}{n}", events=n, metadata={"version": "v1", "a.b": 1})
        for n in range(3)
    ]  # fmt: skip
    catalog.settings = replace(catalog.settings, storage=CHOSEN)
    assert await catalog.declare(outputs, "dune:chosen") == [None] * 3
    (moved,) = await catalog.declare([replace(outputs[0], location=f"{place}9")], "dune:chosen")
    assert moved is not None
    assert "has it at" in moved.text
    theirs = rucio_server.ask_official_client(
        OFFICIAL + "print(json.dumps([list(client.list_files('dune', 'chosen')),"
        " list(client.list_replicas([{'scope': 'dune', 'name': 'chosen'}], sort='random')),"
        " client.get_metadata('dune', 'chosen_2.root')['version']]))",
        RUCIO_HOME=str(rucio_server.folder),
    )
    assert sorted((each["name"], each["events"]) for each in theirs[0]) == [
        (f"chosen_{n}.root", n) for n in range(3)
    ]
    assert {
        each["name"]: [url.replace("A//", "A/") for url in each["pfns"]] for each in theirs[1]
    } == {each.name.split(":")[1]: [each.location] for each in outputs}
    assert theirs[2] == "v1"
    catalog.settings = replace(catalog.settings, storage=None)
    with pytest.raises(CatalogRefused, match="storage"):
        await catalog.declare(outputs, None)


async def test_where_files_lie_is_known_by_storage_and_state(catalog: RucioCatalog) -> None:
    await declare_files(catalog, "placed", ["placed_0.root", "placed_1.root"])
    await declare_files(catalog, "placed", ["placed_0.root"], TAPE)
    await catalog.http.ask("PUT", "/replicas/", json={"rse": DISK, "files": [
        {"scope": "dune", "name": "placed_1.root", "state": "U"}]})  # fmt: skip
    await catalog.http.ask(
        "POST", "/dids/dune/placed_none", json={"type": "DATASET", "statuses": {}, "meta": {}}
    )
    two, none, *unknown = await catalog.locate(
        ["dune:placed_0.root", "dune:placed_1.root", "dune:unknown", "no name"]
    )
    assert two is not None
    assert {(each.storage, each.is_on_disk) for each in two} == {(DISK, True), (TAPE, False)}
    assert all(each.url.startswith("root://store.test:1094//") for each in two)
    assert (none, unknown) == ([], [None, None])


async def put_on_disk(catalog: RucioCatalog, names: Sequence[str]) -> None:
    """What Rucio's conveyor does when copies have come."""
    files = [{"scope": "dune", "name": name, "state": "A"} for name in names]
    await catalog.http.ask("PUT", "/replicas/", json={"rse": DISK, "files": files})


async def test_files_are_staged_once_for_a_mark_and_counted(catalog: RucioCatalog) -> None:
    names = [f"staged_{n}.root" for n in range(4)]
    dids = [f"dune:{name}" for name in names]
    await declare_files(catalog, "staged_source", names, TAPE)
    catalog.settings = replace(catalog.settings, disk=DISK)
    until = datetime.now(UTC) + timedelta(days=7)
    assert await catalog.read_staging("poms-stage-1") is None
    await catalog.release("poms-stage-1")
    for _ in range(2):
        await catalog.stage("poms-stage-1", dids, until)
        assert await catalog.read_staging("poms-stage-1") == StagingState(0, 4, 0)
    (rule,) = (await catalog._list_rules("poms-stage-1")).rules
    await put_on_disk(catalog, names[:3])
    assert await catalog.read_staging("poms-stage-1") == StagingState(3, 1, 0)
    await catalog.http.ask("PUT", f"/rules/{rule['id']}", json={"options": {"state": "STUCK"}})
    stuck = await catalog.read_staging("poms-stage-1")
    assert stuck is not None
    assert (stuck.on_disk, stuck.coming, stuck.stuck) == (3, 1, 0)
    assert "STUCK" in stuck.reason
    await catalog.release("poms-stage-1")
    await catalog.release("poms-stage-1")
    await catalog.stage("poms-stage-1", dids, until)  # the same rule, kept anew
    assert [each["id"] for each in (await catalog._list_rules("poms-stage-1")).rules] == [
        rule["id"]
    ]
    with pytest.raises(CatalogRefused, match="can't be kept"):
        await catalog.stage("poms-stage-1", dids, datetime(2020, 1, 1, tzinfo=UTC))


async def test_a_rule_that_keeps_nothing_is_not_taken_for_done(
    catalog: RucioCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["kept_0.root", "kept_1.root"]
    dids = [f"dune:{name}" for name in names]
    await declare_files(catalog, "kept_source", names, TAPE)
    catalog.settings = replace(catalog.settings, disk=DISK)
    until = datetime.now(UTC) + timedelta(days=7)
    with pytest.raises(CatalogRefused, match="Name the files"):
        await catalog.stage("poms-stage-2", [], until)
    # A rule over a dataset that was empty is OK, and has no locks.
    await catalog.make_dataset(RucioDid("dune", "poms-stage-2"))
    await catalog.http.ask("POST", "/rules/", json=catalog._make_rule("poms-stage-2", 0, 86_400))
    await catalog.stage("poms-stage-2", dids, until)
    empty = await catalog.read_staging("poms-stage-2")
    assert empty == StagingState(0, 2, 0, "for 2 files Rucio has not looked yet")
    # Many files: their locks are made later.
    monkeypatch.setattr(staging, "MOST_FILES", 1)
    await catalog.stage("poms-stage-3", dids, until)
    waiting = await catalog.read_staging("poms-stage-3")
    assert waiting is not None
    assert (waiting.on_disk, waiting.coming, waiting.stuck) == (0, 2, 0)
    assert "INJECT" in waiting.reason
    # One that has expired keeps nothing.
    (rule,) = (await catalog._list_rules("poms-stage-3")).rules
    await catalog.http.ask("PUT", f"/rules/{rule['id']}", json={"options": {"lifetime": -1}})
    assert await catalog.read_staging("poms-stage-3") is None
