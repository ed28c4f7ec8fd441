"""MetaCat's own engine, asked by us and by the client of its makers."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from catalogs import (
    CatalogRefused,
    CatalogSignInRefused,
    CatalogUnavailable,
    OutputDeclaration,
)
from catalogs.metacat import MetaCatCatalog, MetaCatRefusal, judge_answer
from tests.catalogs.catalog_servers import CatalogServer
from tests.catalogs.listings import list_all_files
from tests.catalogs.opened_catalogs import open_metacat

pytestmark = pytest.mark.xdist_group("metacat")

OFFICIAL = """
import json, os
from metacat.webapi import MetaCatClient
url = os.environ["URL"]
client = MetaCatClient(f"{url}/app", f"{url}/app/auth", token_library=os.environ["HOME"] + "/tokens")
client.login_token("poms", "good")
"""


@pytest.fixture
async def catalog(metacat_server: CatalogServer) -> AsyncIterator[MetaCatCatalog]:
    async with open_metacat(metacat_server) as made:
        yield made


def make_output(name: str, **more: Any) -> OutputDeclaration:
    made = OutputDeclaration(f"dune:{name}", 1000, {"adler32": "0a0b0c0d"}, f"/store/{name}")
    return replace(made, **more)


async def declare_all(
    catalog: MetaCatCatalog, outputs: Sequence[OutputDeclaration], dataset: str
) -> None:
    assert await catalog.declare(outputs, dataset) == [None] * len(outputs)


async def test_datasets_and_queries_are_listed_as_to_the_official_client(
    catalog: MetaCatCatalog, metacat_server: CatalogServer
) -> None:
    outputs = [
        make_output(f"listed_{n}.root", size=n, events=n, metadata={"core.runs": [n % 3, 9], "core.tier": "raw"})
        for n in range(12)
    ]  # fmt: skip
    await declare_all(catalog, outputs, "dune:listed")
    await declare_all(catalog, outputs[:2], "dune:shared")
    summary = await catalog.describe("dune:listed")
    assert (summary.files, summary.bytes, summary.is_closed) == (12, 66, False)
    files = await list_all_files(catalog, "dune:listed", ["core.runs", "core.event_count"])
    assert {(each.name, each.size, each.run, each.events, each.checksum) for each in files.values()} == {
        (f"dune:listed_{n}.root", n, n % 3, n, "adler32:0a0b0c0d") for n in range(12)
    }  # fmt: skip
    query = "files from dune:listed, dune:shared where core.runs[any] = 1 and core.tier = 'raw'"
    theirs = metacat_server.ask_official_client(
        OFFICIAL + f"print(json.dumps(list(client.query({query!r}))))", URL=metacat_server.url
    )
    ours = await list_all_files(catalog, query)
    assert {
        f"{each['namespace']}:{each['name']}": each["created_timestamp"] for each in theirs
    } == {each.name: each.created_at and each.created_at.timestamp() for each in ours.values()}
    assert (await catalog.describe(query)).files == len(ours) == 4


async def test_what_is_not_there_and_who_may_not_are_refusals(
    catalog: MetaCatCatalog, metacat_server: CatalogServer
) -> None:
    with pytest.raises(CatalogRefused, match="not found"):
        await catalog.describe("dune:none")
    with pytest.raises(CatalogRefused, match="MQL"):
        await catalog.describe("files fro dune:none")
    async with open_metacat(metacat_server, token="bad") as refused:
        with pytest.raises(CatalogSignInRefused, match="credential"):
            await refused.describe("dune:none")
    catalog.http._signed = {"X-Authentication-Token": "old"}
    with pytest.raises(CatalogRefused, match="not found"):
        await catalog.describe("dune:none")


async def test_what_is_declared_is_read_back(
    catalog: MetaCatCatalog, metacat_server: CatalogServer
) -> None:
    first, second = make_output("made_0.root"), make_output("made_1.root")
    child = make_output("made_2.root", parents=[first.name, second.name])
    await declare_all(catalog, [first], "dune:made")
    # One that is there keeps back none of the others, and again nothing changes.
    for _ in range(2):
        assert await catalog.declare([first, second, first], "dune:made") == [None] * 3
    await declare_all(catalog, [child], "dune:made")
    assert await catalog.list_children([first.name, child.name, "dune:none", "none"]) == [
        [child.name], [], None, None,
    ]  # fmt: skip
    others = [
        replace(first, size=1),
        replace(second, checksums={"adler32": "00000001"}),
        make_output("made_3.root"),
    ]
    larger, changed, good = await catalog.declare([*others], "dune:made")
    assert larger is not None
    assert larger.needs_decision
    assert "size 1000, not 1" in larger.text
    assert changed is not None
    assert "adler32" in changed.text
    assert good is None
    # A parent that it doesn't know is left out.
    orphan = make_output("made_4.root", parents=["dune:none", "none", second.name])
    await declare_all(catalog, [orphan], "dune:made")
    (children,) = await catalog.list_children([second.name])
    assert children == [child.name, orphan.name]
    assert (await catalog.describe("dune:made")).files == 5
    theirs = metacat_server.ask_official_client(
        OFFICIAL + "print(json.dumps(list(client.get_files([{'did': 'dune:made_2.root'}]))))",
        URL=metacat_server.url,
    )
    assert len(theirs[0]["parents"]) == 2
    await catalog.http.ask("POST", "/retire_file", json={"did": first.name})
    (retired,) = await catalog.declare([first], "dune:made")
    assert retired is not None
    assert "retired" in retired.text


async def test_bad_metadata_and_files_declared_meanwhile_keep_back_no_others(
    catalog: MetaCatCatalog,
) -> None:
    wanted = {
        "namespace": "dune",
        "name": "strict",
        "file_meta_requirements": {"core.tier": {"required": True}},
    }
    await catalog.http.ask("POST", "/create_dataset", json=wanted)
    good = make_output("strict_0.root", metadata={"core.tier": "raw"})
    bad, nameless = make_output("strict_1.root"), replace(good, name="nameless")
    said = await catalog.declare([bad, good, nameless], "dune:strict")
    assert said[0] is not None
    assert "core.tier" in said[0].text
    assert said[1] is None
    assert said[2] is not None
    # Between our reading and our declaring somebody else was faster: a refusal of all of them.
    late = replace(good, name="dune:strict_2.root")
    assert await catalog._declare_files([late, good], "dune:strict") == {}
    await declare_all(catalog, [good, late], "dune:strict")
    assert (await catalog.describe("dune:strict")).files == 2
    frozen = {"namespace": "dune", "name": "frozen", "frozen": True}
    await catalog.http.ask("POST", "/create_dataset", json=frozen)
    assert (await catalog.describe("dune:frozen")).is_closed
    with pytest.raises(CatalogRefused, match="frozen"):
        await catalog.declare([make_output("frozen_0.root")], "dune:frozen")
    with pytest.raises(CatalogRefused, match="name one"):
        await catalog.declare([good], None)


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (401, "", CatalogSignInRefused),
        (403, "Not authenticated", CatalogSignInRefused),
        (403, "Dataset is frozen", MetaCatRefusal),
        (404, "", MetaCatRefusal),
        (429, "", CatalogUnavailable),
        (503, "", CatalogUnavailable),
    ],
)
def test_numbers_of_metacat_mean_what_its_texts_say(
    status: int, text: str, kind: type[Exception]
) -> None:
    assert type(judge_answer(status, {}, text)) is kind
