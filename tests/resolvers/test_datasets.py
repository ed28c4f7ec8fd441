"""Datasets and their files: added all or not at all, each once, in an order that stays."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from domain.people.experiment_folders import locate_experiment_folder
from tests.factories import Factory
from tests.resolvers.conftest import DATASET, ask_with_key
from tests.worker_tools import make_worker_tools
from workers.file_checks import make_dispatcher

Ask = Callable[..., Awaitable[dict[str, Any]]]
Counted = Callable[[], Awaitable[dict[str, int]]]

ADD = """
    mutation ($input: AddFilesInput!, $key: String) {
      addFiles(input: $input, idempotencyKey: $key) {
        __typename
        ... on FilesAdded { addedCount knownCount dataset { id filesTotal bytes events }
          known { field name completed } }
        ... on Problem { message }
        ... on InvalidFiles { findings { path message } }
        ... on FileDiffers { field name differences { field name known told } }
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
def own(tmp_path: Path, hypot: int) -> Path:
    """The folder of experiment `hypot`."""
    return locate_experiment_folder(tmp_path, hypot)


@pytest.fixture
def files(own: Path) -> Callable[..., list[dict[str, Any]]]:
    """Makes inputs of files with these names."""

    def made(*names: str, **more: Any) -> list[dict[str, Any]]:
        given = {"size": 100, "events": 10, "checksum": "sha256:aa", **more}
        return [{"name": name, "location": str(own / name), **given} for name in names]

    return made


Files = Callable[..., list[dict[str, Any]]]


async def add_files(
    ask: Ask, dataset: str, given: list[dict[str, Any]], as_: str = "anna", **more: Any
) -> dict[str, Any]:
    """Add files to a dataset."""
    wanted = {"id": dataset, "files": given, **more}
    found: dict[str, Any] = (await ask(ADD, ask_with_key(wanted), as_=as_))["addFiles"]
    return found


@pytest.fixture
def raw(configured: dict[str, str]) -> str:
    """The id of anna's empty dataset."""
    return configured["dataset"]


async def test_files_are_added_at_the_end_each_once(ask: Ask, raw: str, files: Files) -> None:
    first = await add_files(ask, raw, files("b", "a", "b"))
    assert (first["addedCount"], first["knownCount"]) == (2, 1)
    second = await add_files(ask, raw, files("c", "a"))
    assert (second["addedCount"], second["knownCount"]) == (1, 1)
    assert second["dataset"] == {"id": raw, "filesTotal": 3, "bytes": 300, "events": 30}
    page = (await ask(FILES, {"id": raw}))["dataset"]["files"]
    assert [node["name"] for node in page["nodes"]] == ["b", "a", "c"]


async def test_files_are_read_in_pages_both_ways(ask: Ask, raw: str, files: Files) -> None:
    await add_files(ask, raw, files(*"abcde"))
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
    found = await asyncio.gather(*(add_files(ask, raw, given) for given in lists))
    assert sum(f["addedCount"] for f in found) == 70
    ordinals = await db.fetch("SELECT ordinal, file_id FROM dataset_file ORDER BY ordinal")
    assert [row["ordinal"] for row in ordinals] == list(range(70))
    assert await db.fetchval("SELECT head FROM dataset") == 70


async def test_one_file_may_be_in_several_datasets(ask: Ask, raw: str, files: Files) -> None:
    made = await ask(DATASET, {"input": {"experiment": "hypot", "name": "second"}})
    await add_files(ask, raw, files("a", "b"))
    found = await add_files(ask, made["createDataset"]["id"], files("b", "c"))
    assert found["addedCount"] == 2


async def test_a_large_list_is_added_at_once(ask: Ask, raw: str, files: Files, db: Pool) -> None:
    await db.execute("DELETE FROM change_inbox")
    found = await add_files(ask, raw, files(*(f"f{n:04}" for n in range(1000)), size=5_000_000_000))
    assert found["dataset"]["bytes"] == 5_000_000_000_000
    told = await db.fetch("SELECT kind, body ->> 'head' AS head FROM change_inbox")
    assert [tuple(row) for row in told] == [("dataset.files_added", "1000")]
    too_many = await add_files(ask, raw, files(*(f"g{n}" for n in range(1001))))
    assert too_many["__typename"] == "TooMany"
    assert (too_many["field"], too_many["most"], too_many["given"]) == ("files", 1000, 1001)


async def test_what_is_known_of_a_file_is_shown(ask: Ask, raw: str, files: Files, db: Pool) -> None:
    metadata = {"stream": "$(x); `y`", "runs": [1, 2], "nested": {"é": None}}
    await add_files(ask, raw, files("a", "b", metadata=metadata, run=7))
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
    await add_files(ask, raw, files("a", "b"))
    before = await counted()
    others: list[dict[str, Any]] = [
        {"size": 101},
        {"checksum": "sha256:bb"},
        {"events": 11},
        {"catalog": "sam"},
    ]
    for other in others:
        found = await add_files(
            ask, raw, [*files("new"), *files("b", **other), *files("a", size=7)]
        )
        (part,) = other
        assert (found["__typename"], found["field"], found["name"]) == (
            "FileDiffers",
            f"files[1].{part}",
            "b",
        )
        assert [d["field"] for d in found["differences"]] == [f"files[1].{part}", "files[2].size"]
        assert (found["differences"][1]["known"], found["differences"][1]["told"]) == (100, 7)
    assert await counted() == before
    assert (await add_files(ask, raw, files("b", checksum=None)))["knownCount"] == 1


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
    "a way out": ({"location": "{own}/../x"}, "location"),
    "the folder": ({"location": "{own}"}, "location"),
    "its neighbour": ({"location": "{own}0/a"}, "location"),
    "the store": ({"location": "{own}/../a"}, "location"),
    "two slashes": ({"location": "/{own}/a"}, "location"),
    "a list as metadata": ({"metadata": [1]}, "metadata"),
    "too much metadata": ({"metadata": {"x": "y" * 10_001}}, "metadata"),
    "NUL in metadata": ({"metadata": {"x": "a\0b"}}, "metadata"),
    "numbers without end": ({"metadata": {"x": 2**70}}, "metadata"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_one_bad_file_keeps_all_out(
    ask: Ask, raw: str, files: Files, counted: Counted, own: Path, case: str
) -> None:
    change, part = WRONG[case]
    if "location" in change:
        change = {"location": change["location"].format(own=own)}
    before = await counted()
    (bad,) = files("bad")
    found = await add_files(ask, raw, [*files("good"), {**bad, **change}])
    assert found["__typename"] == "InvalidFiles"
    assert [f["path"] for f in found["findings"]] == [f"files[1].{part}"]
    assert await counted() == before


async def test_two_files_of_one_name_in_a_list_are_a_contradiction(
    ask: Ask, raw: str, files: Files, counted: Counted
) -> None:
    before = await counted()
    found = await add_files(ask, raw, [*files("a"), *files("a", size=2)])
    assert [f["path"] for f in found["findings"]] == ["files[1].size"]
    assert await counted() == before


OTHERS = """
    query ($id: ID!) { dataset(id: $id) { bytes filesWithoutSize events
      fileCheck { isPending isWhole files looked missing otherSize onTape unknown doneAt ageS trouble
                  examples { name location problem } }
      files(first: 9) { nodes { name size checksum events run location replicas catalog isStaged metadata } } } }
"""
MARK = """
    mutation ($input: MarkFilesInput!, $key: String) {
      markFiles(input: $input, idempotencyKey: $key) {
        __typename ... on FilesMarked { markedCount knownCount missing } ... on Problem { message } }
    }
"""
CHECK = """
    mutation ($id: ID!, $key: String) {
      checkDatasetFiles(id: $id, isWhole: true, idempotencyKey: $key) { __typename } }
"""


async def test_what_is_told_later_fills_in_what_was_empty_in_all_datasets_of_the_file(
    ask: Ask, raw: str, own: Path
) -> None:
    bare: list[dict[str, Any]] = [
        {"name": "mc:run/7/a", "catalog": "rucio"},
        {"name": "b", "location": "root://one//b"},
        {"name": "c", "location": f"{own}/c", "size": 5},
    ]
    first = await add_files(ask, raw, bare)
    assert (first["__typename"], first["addedCount"], first["known"]) == ("FilesAdded", 3, [])
    made = await ask(DATASET, {"input": {"experiment": "hypot", "name": "second"}})
    second = made["createDataset"]["id"]
    told = [
        {**bare[0], "location": "root://one//a", "size": 7, "checksum": "adler32:1"},
        {**bare[1], "location": "https://two/b", "size": 9, "run": 3, "events": 4},
        {**bare[2], "metadata": {"tier": "raw", "staged": True}},
        {"name": "d", "location": "root://one//d"},
    ]
    found = await add_files(ask, second, told)
    assert found["known"] == [
        {"field": "files[0]", "name": "mc:run/7/a", "completed": ["size", "checksum", "location"]},
        {"field": "files[1]", "name": "b", "completed": ["size", "events", "run", "replicas"]},
        {"field": "files[2]", "name": "c", "completed": ["metadata"]},
    ]
    for id_, unsized in ((raw, 0), (second, 1)):
        shown = (await ask(OTHERS, {"id": id_}))["dataset"]
        assert (shown["bytes"], shown["filesWithoutSize"], shown["events"]) == (21, unsized, 4)
    a, b, c, d = shown["files"]["nodes"]
    assert (a["catalog"], a["location"], a["checksum"]) == ("rucio", "root://one//a", "adler32:1")
    assert (b["location"], b["replicas"], b["run"]) == ("root://one//b", ["https://two/b"], 3)
    assert (c["isStaged"], d["size"], d["isStaged"]) == (True, None, None)
    again = await add_files(ask, second, told)
    assert [known["completed"] for known in again["known"]] == [[], [], [], []]


async def test_files_are_marked_as_staged_where_the_dataset_has_them(
    ask: Ask, raw: str, files: Files, db: Pool
) -> None:
    await add_files(ask, raw, files("a", "b", "c"))

    async def mark(*names: str, staged: bool = True) -> tuple[Any, ...]:
        wanted = {"id": raw, "names": [*names], "isStaged": staged}
        found = (await ask(MARK, ask_with_key(wanted)))["markFiles"]
        return found["markedCount"], found["knownCount"], found["missing"]

    assert await mark("c", "x", "c") == (1, 1, ["x"])
    assert await mark("a", "c") == (1, 1, [])
    assert await mark("b", staged=False) == (1, 0, [])
    line = "SELECT array_agg(ordinal ORDER BY place) FROM staged_file"
    assert await db.fetchval(line) == [2, 0]
    nodes = (await ask(OTHERS, {"id": raw}))["dataset"]["files"]["nodes"]
    assert [node["isStaged"] for node in nodes] == [True, False, True]


async def test_workers_look_whether_files_are_there(
    ask: Ask, raw: str, own: Path, db: Pool, tmp_path: Path
) -> None:
    own.mkdir(parents=True)
    sizes = {"there": 3, "longer": 4, "unsized": None, "gone": 1, "tape": 3}
    for name in sizes.keys() - {"gone"}:
        (own / name).write_bytes(b"123")
    (own / ".(get)(tape)(locality)").write_text("NEARLINE\n")
    given: list[dict[str, Any]] = [
        {"name": name, "size": size, "location": str(own / name)} for name, size in sizes.items()
    ]
    given += [{"name": "far", "location": "root://one//far"}]
    assert (await add_files(ask, raw, given))["addedCount"] == 6
    assert (await ask(OTHERS, {"id": raw}))["dataset"]["fileCheck"]["doneAt"] is None
    await ask(CHECK, {"id": raw, "key": "look"})
    tools = make_worker_tools(db, tmp_path)
    looks = make_dispatcher()
    assert await looks.step(tools)
    await looks.pool.drain()
    assert not await looks.step(tools)
    seen = (await ask(OTHERS, {"id": raw}))["dataset"]["fileCheck"]
    assert (seen["isPending"], seen["isWhole"], seen["trouble"]) == (False, True, "")
    counts = [
        seen[what] for what in ("files", "looked", "missing", "otherSize", "onTape", "unknown")
    ]
    assert counts == [6, 6, 1, 1, 1, 1]
    assert [(one["name"], one["problem"]) for one in seen["examples"]] == [
        ("longer", "It has 3 bytes, not 4."),
        ("gone", "It is not there."),
    ]


async def test_shell_metacharacters_are_letters_like_others(ask: Ask, raw: str, own: Path) -> None:
    name = "$(reboot);`x`|&*?'\" %s"
    given = [{"name": name, "size": 1, "location": f"{own}/{name}"}]
    assert (await add_files(ask, raw, given))["addedCount"] == 1
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
    assert (await add_files(ask, raw, files("a"), as_=as_))["__typename"] == problem


async def test_unknown_datasets_are_not_found(
    ask: Ask, raw: str, files: Files, counted: Counted
) -> None:
    before = await counted()
    for id_ in ("dataset:999", "file:1", "x", "dataset:1.5", f"dataset:{2**63}"):
        assert (await add_files(ask, id_, files("a")))["__typename"] == "NotFound"
        assert (await ask(FILES, {"id": id_}))["dataset"] is None
    assert (await ask(FILES, {"id": raw}, as_="otto"))["dataset"] is None
    assert await counted() == before


async def test_the_same_key_adds_once_and_says_the_same(
    ask: Ask, raw: str, files: Files, counted: Counted
) -> None:
    first = await add_files(ask, raw, files("a", "b"), idempotencyKey="k")
    before = await counted()
    assert await add_files(ask, raw, files("a", "b"), idempotencyKey="k") == first
    other = await add_files(ask, raw, files("a"), idempotencyKey="k")
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


GIVE = """
    mutation ($input: SetExperimentFoldersInput!, $key: String) {
      setExperimentFolders(input: $input, idempotencyKey: $key) {
        __typename
        ... on Experiment { folders }
        ... on Problem { message }
        ... on Invalid { field }
      }
    }
"""


async def give_folders_to(ask: Ask, *folders: str, as_: str = "ada") -> dict[str, Any]:
    wanted = {"input": {"experiment": "hypot", "folders": list(folders)}}
    found: dict[str, Any] = (await ask(GIVE, wanted, as_=as_))["setExperimentFolders"]
    return found


async def test_files_lie_in_ones_own_folder_or_in_one_that_an_admin_gave(
    ask: Ask, raw: str, files: Files, own: Path, db: Pool
) -> None:
    elsewhere = [{**files("a")[0], "location": "/data/hypot/a"}]
    refused = await add_files(ask, raw, elsewhere)
    (finding,) = refused["findings"]
    assert finding["path"] == "files[0].location"
    assert str(own) in finding["message"]
    given = await give_folders_to(ask, "/data/hypot", "/data/hypot")
    assert given["folders"] == [str(own), "/data/hypot"]
    assert (await add_files(ask, raw, elsewhere))["addedCount"] == 1
    assert (await add_files(ask, raw, [{**elsewhere[0], "location": "/data/hypot2/a"}]))["findings"]
    assert (await give_folders_to(ask))["folders"] == [str(own)]
    assert (await add_files(ask, raw, elsewhere))["findings"]
    told = await db.fetch(
        "SELECT body, username FROM change_inbox c JOIN person p ON p.id = c.actor_id "
        "WHERE kind = 'experiment.folders' ORDER BY c.id"
    )
    assert (told[0]["body"], told[0]["username"]) == ({"folders": ["/data/hypot"]}, "ada")


async def test_only_service_admins_give_folders(ask: Ask, hypot: int) -> None:
    for person in ("anna", "sam", "alan", "sue", "otto"):
        assert (await give_folders_to(ask, "/data", as_=person))["__typename"] == "NotPermitted"


async def test_no_folder_is_given_that_holds_those_of_all(
    ask: Ask, hypot: int, tmp_path: Path
) -> None:
    for folder in (str(tmp_path), str(tmp_path.parent), "/", "data", f"{tmp_path}/e1/..", "/a\0"):
        assert (await give_folders_to(ask, folder))["field"] == "folders", folder
    assert (await give_folders_to(ask, *(f"/data/{n}" for n in range(51))))["field"] == "folders"


async def test_of_what_lies_elsewhere_nothing_is_told(
    ask: Ask, raw: str, files: Files, tmp_path: Path
) -> None:
    theirs = tmp_path / "e999/secret"
    said = []
    for is_there in (False, True):
        if is_there:
            theirs.parent.mkdir()
            theirs.write_text("secret")
        for size in (1, 6):
            given = [{**files("a", size=size)[0], "location": str(theirs)}]
            said.append(await add_files(ask, raw, given))
    assert said[0]["findings"]
    assert all(each == said[0] for each in said)


NAMED = """
    query ($name: String!, $after: String) {
      datasetNamed(experiment: "hypot", name: $name) {
        id name filesTotal submissionId mayChange
        files(first: 1, after: $after) { nodes { name } pageInfo { endCursor hasNextPage } }
      }
    }
"""


async def test_what_a_launch_works_on_is_found_by_its_name_and_stays_as_it_is(
    ask: Ask, db: Pool, hypot: int, files: Callable[..., list[dict[str, Any]]]
) -> None:
    plant = await Factory.make(db)
    raw = await plant.dataset("raw")
    await plant.rows(raw, 3)
    stage = await plant.stage("reco", ["true"], dataset_id=raw, split="nfiles(2)")
    made = await slices.launch_next(db, stage, LaunchRequest(plant.person_id))
    assert made.submission is not None
    name = f"raw_slice1_stage{stage}"
    found = (await ask(NAMED, {"name": name}))["datasetNamed"]
    assert (found["filesTotal"], found["mayChange"]) == (2, False)
    assert found["submissionId"] == f"submission:{made.submission.id}"
    after = {"name": name, "after": found["files"]["pageInfo"]["endCursor"]}
    second = (await ask(NAMED, after))["datasetNamed"]["files"]
    assert found["files"]["nodes"] + second["nodes"] == [{"name": "f000000"}, {"name": "f000001"}]
    assert not second["pageInfo"]["hasNextPage"]
    assert (await ask(NAMED, {"name": name}, as_="otto"))["datasetNamed"] is None
    assert (await ask(NAMED, {"name": "raw"}))["datasetNamed"]["submissionId"] is None
    refused = await ask(ADD, {"input": {"id": found["id"], "files": files("a")}})
    assert refused["addFiles"]["__typename"] == "Invalid"
    taken = await ask(DATASET, {"input": {"experiment": "hypot", "name": name}})
    assert taken["createDataset"]["__typename"] == "NameTaken"
    shown = await ask('{ datasets(experiment: "hypot") { nodes { name } } }')
    assert shown["datasets"]["nodes"] == [{"name": "raw"}]
