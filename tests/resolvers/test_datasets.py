"""Datasets and their files: added all or not at all, each once, in an order that stays."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from db.pool import Pool
from tests.resolvers.conftest import DATASET

Ask = Callable[..., Awaitable[dict[str, Any]]]
Counted = Callable[[], Awaitable[dict[str, int]]]

ADD = """
    mutation ($input: AddFilesInput!) {
      addFiles(input: $input) {
        __typename
        ... on FilesAdded { added known dataset { id filesTotal bytes events } }
        ... on Problem { message }
        ... on InvalidFiles { findings { path message } }
        ... on FileDiffers { field name }
        ... on TooMany { field most given }
      }
    }
"""
FILES = """
    query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
      dataset(id: $id) { files(first: $first, after: $after, last: $last, before: $before) {
        nodes { id name } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }
    }
"""


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Makes inputs of files with these names."""

    def made(*names: str, **more: Any) -> list[dict[str, Any]]:
        given = {"size": 100, "events": 10, "checksum": "sha256:aa", **more}
        return [{"name": name, "location": str(tmp_path / name), **given} for name in names]

    return made


Files = Callable[..., list[dict[str, Any]]]


async def add(
    ask: Ask, dataset: str, given: list[dict[str, Any]], as_: str = "anna", **more: Any
) -> dict[str, Any]:
    """Add files to a dataset."""
    wanted = {"datasetId": dataset, "files": given, **more}
    found: dict[str, Any] = (await ask(ADD, {"input": wanted}, as_=as_))["addFiles"]
    return found


@pytest.fixture
def raw(configured: dict[str, str]) -> str:
    """The id of anna's empty dataset."""
    return configured["dataset"]


async def test_files_are_added_at_the_end_each_once(ask: Ask, raw: str, files: Files) -> None:
    first = await add(ask, raw, files("b", "a", "b"))
    assert (first["added"], first["known"]) == (2, 1)
    second = await add(ask, raw, files("c", "a"))
    assert (second["added"], second["known"]) == (1, 1)
    assert second["dataset"] == {"id": raw, "filesTotal": 3, "bytes": 300, "events": 30}
    page = (await ask(FILES, {"id": raw}))["dataset"]["files"]
    assert [node["name"] for node in page["nodes"]] == ["b", "a", "c"]


async def test_files_are_read_in_pages_both_ways(ask: Ask, raw: str, files: Files) -> None:
    await add(ask, raw, files(*"abcde"))
    page = (await ask(FILES, {"id": raw, "first": 2}))["dataset"]["files"]
    assert [n["name"] for n in page["nodes"]] == ["a", "b"]
    more = {"id": raw, "first": 9, "after": page["pageInfo"]["endCursor"]}
    rest = (await ask(FILES, more))["dataset"]["files"]
    assert [n["name"] for n in rest["nodes"]] == ["c", "d", "e"]
    assert not rest["pageInfo"]["hasNextPage"]
    back = {"id": raw, "last": 2, "before": rest["pageInfo"]["endCursor"]}
    page = (await ask(FILES, back))["dataset"]["files"]
    assert [n["name"] for n in page["nodes"]] == ["c", "d"]
    assert page["pageInfo"]["hasPreviousPage"]
    last = (await ask(FILES, {"id": raw, "last": 1}))["dataset"]["files"]
    assert [n["name"] for n in last["nodes"]] == ["e"]


async def test_many_at_once_leave_no_gap_and_no_double(
    ask: Ask, raw: str, files: Files, db: Pool
) -> None:
    lists = [files(*(f"f{n}" for n in range(k, k + 20))) for k in range(0, 60, 10)]
    found = await asyncio.gather(*(add(ask, raw, given) for given in lists))
    assert sum(f["added"] for f in found) == 70
    ordinals = await db.fetch("SELECT ordinal, file_id FROM dataset_file ORDER BY ordinal")
    assert [row["ordinal"] for row in ordinals] == list(range(70))
    assert await db.fetchval("SELECT head FROM dataset") == 70


async def test_one_file_may_be_in_several_datasets(ask: Ask, raw: str, files: Files) -> None:
    made = await ask(DATASET, {"input": {"experiment": "hypot", "name": "second"}})
    await add(ask, raw, files("a", "b"))
    found = await add(ask, made["createDataset"]["id"], files("b", "c"))
    assert found["added"] == 2


async def test_a_large_list_is_added_at_once(ask: Ask, raw: str, files: Files, db: Pool) -> None:
    await db.execute("DELETE FROM change_inbox")
    found = await add(ask, raw, files(*(f"f{n:04}" for n in range(1000)), size=5_000_000_000))
    assert found["dataset"]["bytes"] == 5_000_000_000_000
    told = await db.fetch("SELECT kind, body ->> 'head' AS head FROM change_inbox")
    assert [tuple(row) for row in told] == [("dataset.files_added", "1000")]
    too_many = await add(ask, raw, files(*(f"g{n}" for n in range(1001))))
    assert too_many["__typename"] == "TooMany"
    assert (too_many["field"], too_many["most"], too_many["given"]) == ("files", 1000, 1001)


async def test_what_is_known_of_a_file_is_shown(ask: Ask, raw: str, files: Files, db: Pool) -> None:
    metadata = {"stream": "$(x); `y`", "runs": [1, 2], "nested": {"é": None}}
    await add(ask, raw, files("a", "b", metadata=metadata, run=7))
    await db.execute("INSERT INTO file_parent (child_id, parent_id) VALUES (2, 1)")
    query = """query ($id: ID!) { file(id: $id) { name size events run checksum metadata location
        experiment { name } parents(first: 5) { nodes { name } } children(first: 5) { nodes { name } } } }"""
    page = (await ask(FILES, {"id": raw}))["dataset"]["files"]
    first, second = [(await ask(query, {"id": n["id"]}))["file"] for n in page["nodes"]]
    assert (first["name"], first["run"], first["metadata"]) == ("a", 7, metadata)
    assert first["children"]["nodes"] == [{"name": "b"}]
    assert first["parents"]["nodes"] == []
    assert second["parents"]["nodes"] == [{"name": "a"}]
    assert (await ask(query, {"id": page["nodes"][0]["id"]}, as_="otto"))["file"] is None


async def test_a_file_that_differs_is_named(
    ask: Ask, raw: str, files: Files, counted: Counted
) -> None:
    await add(ask, raw, files("a", "b"))
    before = await counted()
    for other in ({"size": 101}, {"checksum": "sha256:bb"}):
        found = await add(ask, raw, [*files("new"), *files("b", **other)])
        assert (found["__typename"], found["field"], found["name"]) == (
            "FileDiffers",
            "files[1].name",
            "b",
        )
    assert await counted() == before
    assert (await add(ask, raw, files("b", checksum=None)))["known"] == 1


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a slash": ({"name": "a/b"}, "name"),
    "nothing": ({"name": ""}, "name"),
    "the folder itself": ({"name": ".."}, "name"),
    "a line end": ({"name": "a\nb"}, "name"),
    "NUL": ({"name": "a\0"}, "name"),
    "too long": ({"name": "é" * 128}, "name"),
    "a negative size": ({"size": -1}, "size"),
    "negative events": ({"events": -1}, "events"),
    "a relative place": ({"location": "a/b"}, "location"),
    "a place outside": ({"location": "/etc/passwd"}, "location"),
    "a way out": ({"location": "{store}/../x"}, "location"),
    "the store itself": ({"location": "{store}"}, "location"),
    "a neighbour of the store": ({"location": "{store}x/a"}, "location"),
    "a list as metadata": ({"metadata": [1]}, "metadata"),
    "too much metadata": ({"metadata": {"x": "y" * 10_001}}, "metadata"),
    "NUL in metadata": ({"metadata": {"x": "a\0b"}}, "metadata"),
    "numbers without end": ({"metadata": {"x": 2**70}}, "metadata"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_one_bad_file_keeps_all_out(
    ask: Ask, raw: str, files: Files, counted: Counted, tmp_path: Path, case: str
) -> None:
    change, part = WRONG[case]
    if "location" in change:
        change = {"location": change["location"].format(store=tmp_path)}
    before = await counted()
    (bad,) = files("bad")
    found = await add(ask, raw, [*files("good"), {**bad, **change}])
    assert found["__typename"] == "InvalidFiles"
    assert [f["path"] for f in found["findings"]] == [f"files[1].{part}"]
    assert await counted() == before


async def test_two_files_of_one_name_in_a_list_are_a_contradiction(
    ask: Ask, raw: str, files: Files, counted: Counted
) -> None:
    before = await counted()
    found = await add(ask, raw, [*files("a"), *files("a", size=2)])
    assert [f["path"] for f in found["findings"]] == ["files[1].name"]
    assert await counted() == before


async def test_shell_metacharacters_are_letters_like_others(
    ask: Ask, raw: str, tmp_path: Path
) -> None:
    name = "$(reboot);`x`|&*?'\" %s"
    given = [{"name": name, "size": 1, "location": f"{tmp_path}/{name}"}]
    assert (await add(ask, raw, given))["added"] == 1
    (node,) = (await ask(FILES, {"id": raw}))["dataset"]["files"]["nodes"]
    assert node["name"] == name


@pytest.mark.parametrize(
    ("as_", "problem"),
    [
        ("otto", "NotFound"),
        ("alan", "NotPermitted"),
        ("sam", "NotPermitted"),
        ("sue", "FilesAdded"),
    ],
)
async def test_who_may_add_files(ask: Ask, raw: str, files: Files, as_: str, problem: str) -> None:
    assert (await add(ask, raw, files("a"), as_=as_))["__typename"] == problem


async def test_unknown_datasets_are_not_found(
    ask: Ask, raw: str, files: Files, counted: Counted
) -> None:
    before = await counted()
    for id_ in ("dataset:999", "file:1", "x", "dataset:1.5", f"dataset:{2**63}"):
        assert (await add(ask, id_, files("a")))["__typename"] == "NotFound"
        assert (await ask(FILES, {"id": id_}))["dataset"] is None
    assert (await ask(FILES, {"id": raw}, as_="otto"))["dataset"] is None
    assert await counted() == before


async def test_the_same_key_adds_once_and_says_the_same(
    ask: Ask, raw: str, files: Files, counted: Counted
) -> None:
    first = await add(ask, raw, files("a", "b"), idempotencyKey="k")
    before = await counted()
    assert await add(ask, raw, files("a", "b"), idempotencyKey="k") == first
    other = await add(ask, raw, files("a"), idempotencyKey="k")
    assert other["__typename"] == "IdempotencyKeyReused"
    assert await counted() == before


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": "raw"}, "NameTaken"),
        ({"name": ""}, "Invalid"),
        ({"name": "x" * 101}, "Invalid"),
        ({"name": "a\u200bb"}, "Invalid"),
        ({"name": "stage:7"}, "Invalid"),
        ({"experiment": "other"}, "NotFound"),
    ],
)
async def test_datasets_that_can_not_be(
    ask: Ask, raw: str, counted: Counted, change: dict[str, str], problem: str
) -> None:
    before = await counted()
    wanted = {"experiment": "hypot", "name": "new", **change}
    found = (await ask(DATASET, {"input": wanted}))["createDataset"]
    assert found["__typename"] == problem
    if "name" in change:
        assert found["field"] == "name"
    assert await counted() == before


async def test_datasets_are_listed_by_name(ask: Ask, raw: str) -> None:
    for name in ("sim", "Sim2", "zz"):
        await ask(DATASET, {"input": {"experiment": "hypot", "name": name}}, as_="alan")
    query = """query ($contains: String) { datasets(experiment: "hypot", nameContains: $contains, first: 2) {
        nodes { name mayChange owner { username } owningRole } pageInfo { hasNextPage } } }"""
    found = (await ask(query, {"contains": "sim"}))["datasets"]
    assert sorted(n["name"] for n in found["nodes"]) == ["Sim2", "sim"]
    assert {(n["mayChange"], n["owner"]["username"], n["owningRole"]) for n in found["nodes"]} == {
        (False, "alan", "ANALYSIS")
    }
    assert (await ask(query))["datasets"]["pageInfo"]["hasNextPage"]
    assert (await ask(query, as_="otto"))["datasets"]["nodes"] == []
