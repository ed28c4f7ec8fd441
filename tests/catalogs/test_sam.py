"""SAM alone: queries, definitions as POMS makes them, projects, and its limit of queries at once."""

import asyncio
from collections import defaultdict
from contextlib import aclosing

import pytest

from catalogs import CatalogFile, CatalogRefused, ListingIncomplete, ProjectState
from catalogs.sam.answers import SamConflict, SamRefused
from tests.catalogs.sam_bench import SamBench
from tests.catalogs.sam_stand_in.dimensions import run_dimensions
from tests.catalogs.sam_stand_in.store import SamExperiment, SamFault

FILES = [CatalogFile(f"f{n}.root", 10, events=n, run=n // 2) for n in range(6)]


async def list_names(sam: SamBench, definition: str) -> list[str]:
    async with aclosing(sam.catalog.list_files(definition)) as batches:
        return sorted([file.name async for batch in batches for file in batch])


async def list_fates(sam: SamBench, project: str) -> dict[str, set[str]]:
    found = defaultdict[str, set[str]](set)
    async with aclosing(sam.catalog.list_project_files(project)) as batches:
        async for batch in batches:
            for file in batch:
                found[file.state].add(file.name)
    return found


async def test_a_query_is_asked_as_it_stands_and_a_name_as_a_definition(sam: SamBench) -> None:
    await sam.put_files(FILES)
    assert await list_names(sam, "run_number 1 and file_name f%") == ["f2.root", "f3.root"]
    assert await list_names(sam, f"defname: {sam.definition} with limit 2 offset 1") == [
        "f1.root",
        "f2.root",
    ]
    long = "file_name f0.root or file_name " + ",".join(f"x{n}.root" for n in range(1000))
    assert await list_names(sam, long) == ["f0.root"]
    with pytest.raises(SamRefused, match="Parse error"):
        await sam.catalog.describe("run_number and and")


async def test_the_limit_of_queries_at_once_is_waited_for(sam: SamBench) -> None:
    await sam.put_files(FILES)
    await sam.set_faults(status=403, text="query limit for this user reached", times=1)
    assert (await sam.catalog.describe(sam.definition)).files == len(FILES)
    # The stand-in takes two queries at once, and we send no more.
    await sam.limit_queries(2)
    found = await asyncio.gather(*(sam.catalog.describe(sam.definition) for _ in range(6)))
    assert {summary.files for summary in found} == {len(FILES)}


async def test_a_line_that_is_none_makes_a_listing_incomplete(sam: SamBench) -> None:
    await sam.set_faults(status=200, text="f1.root\t1\n")
    with pytest.raises(ListingIncomplete):
        await list_names(sam, sam.definition)


async def test_a_definition_is_made_anew_until_it_was_used(sam: SamBench) -> None:
    await sam.put_files(FILES)
    await sam.catalog.create_definition("slice", "run_number 0")
    await sam.catalog.create_definition("slice", "run_number 0")
    await sam.catalog.create_definition("slice", "run_number 1")
    assert await list_names(sam, "slice") == ["f2.root", "f3.root"]
    await sam.call("POST", "/definitions/name/slice/snapshot")
    with pytest.raises(SamConflict, match="in use"):
        await sam.catalog.create_definition("slice", "run_number 2")


async def test_a_project_is_started_once_and_tells_what_became_of_its_files(sam: SamBench) -> None:
    await sam.put_files(FILES[:4])
    start = sam.catalog.start_project
    assert [await start("p1", sam.definition) for _ in range(2)] == ["p1", "p1"]
    await sam.catalog.create_definition("other", "run_number 0")
    with pytest.raises(SamConflict):
        await start("p1", "other")
    process = (await sam.call("POST", "/projects/name/p1/establishProcess")).text
    for status in ("consumed", "skipped", ""):
        path = f"/projects/name/p1/process/{process}"
        name = (await sam.call("POST", f"{path}/getNextFile")).text.split()[-1]
        if status:
            await sam.call(
                "POST", f"{path}/updateFileStatus", data={"filename": name, "status": status}
            )
    state = await sam.catalog.read_project("p1")
    assert state == ProjectState(False, waiting=1, delivered=1, consumed=1, failed=1)
    assert await list_fates(sam, "p1") == {
        "waiting": {"f3.root"}, "delivered": {"f2.root"}, "failed": {"f1.root"}, "consumed": {"f0.root"},
    }  # fmt: skip
    # What a recovery takes as SAM sees it is what we see undone.
    undone = (await sam.call("GET", "/projects/name/p1/recovery_dimensions")).text
    assert await list_names(sam, undone) == ["f1.root", "f2.root", "f3.root"]
    await sam.catalog.end_project("p1")
    await sam.catalog.end_project("p1")
    state = await sam.catalog.read_project("p1")
    assert state is not None
    assert state.is_over
    assert await sam.catalog.read_project("never") is None
    await sam.catalog.end_project("never")


async def test_a_project_that_is_said_to_be_elsewhere_is_not_asked(sam: SamBench) -> None:
    await sam.set_faults(status=200, text="https://elsewhere.example.org/p1", path="findProject")
    with pytest.raises(CatalogRefused, match="elsewhere"):
        await sam.catalog.end_project("p1")


@pytest.mark.parametrize(
    ("dims", "found"),
    [
        ("file_name a", "a"),
        ("file_name a,c", "ac"),
        ("file_name in (a, b) minus file_name b", "a"),
        ("event_count > 1 and not file_name c", "bd"),
        ("event_count 1-2", "ab"),
        ("data.tier raw or file_name b", "ab"),
        ("file_name a union file_name b intersect file_name b", "b"),
        ("ischildof: ( file_name a )", "b"),
        ("isdescendantof: ( file_name a )", "bc"),
        ("isancestorof: ( file_name c )", "ab"),
        ("isparentof: ( file_name b ) with availability anylocation", "a"),
        ("file_name % with stride 2 offset 1", "bd"),
        ("file_name e", ""),
        ("file_name e with availability anylocation", "e"),
        ("create_date > '2000-01-01' and version v1", "a"),
        ("version != v1 and event_count < 3", "b"),
    ],
)
def test_the_stand_in_evaluates_dimensions(dims: str, found: str) -> None:
    sam = SamExperiment()
    for n, name in enumerate("abcde"):
        given = {"file_name": name, "file_type": "unknown", "file_size": 1, "event_count": n + 1}
        parents = [{"file_name": "abc"[n - 1]}] if name in "bc" else []
        more = {"version": "v1" if name == "a" else "v2"}
        tier = {"data.tier": "raw" if name == "a" else "reco"}
        sam.declare_files([given | tier | {"parents": parents, "application": more}])
    for name in "abcd":
        sam.by_name[name].locations.append("dcache:/x")
    names = [sam.files[id_].name for id_ in run_dimensions(dims, sam)]
    assert "".join(names) == found


def test_the_stand_in_refuses_what_is_no_query() -> None:
    for dims in ("", "(file_name a", "defname: nothing", "foo: x", "file_name a )"):
        with pytest.raises(SamFault):
            run_dimensions(dims, SamExperiment())
