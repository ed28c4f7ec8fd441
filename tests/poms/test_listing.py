"""Listings as SAM, Rucio, MetaCat and people have them."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from poms.command.listing import (
    ListedFile,
    ListingProblem,
    read_csv_rows,
    read_json_lines,
    read_listing,
)

RUCIO = """
+--------------------+--------+-------------+------------+----------+
| SCOPE:NAME         | GUID   | ADLER32     | FILESIZE   | EVENTS   |
|--------------------+--------+-------------+------------+----------|
| mc:run/7/a.root    | (None) | ad:0cc737eb | 8.2 GB     | 12       |
+--------------------+--------+-------------+------------+----------+
Total files : 1
Total size : 8.2 GB
mc:b.root,01A2-3B,ad:1cc737eb,8232,
"""


def show_file(each: ListedFile | ListingProblem) -> dict[str, Any] | str:
    if isinstance(each, ListingProblem):
        return each.why
    return each.file.model_dump(exclude_none=True, exclude_unset=True, by_alias=True)


def test_a_listing_of_rucio_is_read_from_its_tables_and_commas() -> None:
    found = [*map(show_file, read_listing(RUCIO.splitlines(), "rucio"))]
    assert found == [
        {
            "name": "mc:run/7/a.root",
            "checksum": "adler32:0cc737eb",
            "events": 12,
            "catalog": "rucio",
        },
        {"name": "mc:b.root", "checksum": "adler32:1cc737eb", "size": 8232, "catalog": "rucio"},
    ]


def test_a_listing_of_sam_is_names_alone_or_with_id_size_and_events() -> None:
    lines = ["np04_raw_1.root", "np04_raw_2.root\t7444425\t8232363017\t100", "", "# note"]
    found = [*map(show_file, read_listing(lines, "sam"))]
    assert found == [
        {"name": "np04_raw_1.root", "catalog": "sam"},
        {"name": "np04_raw_2.root", "size": 8232363017, "events": 100, "catalog": "sam"},
    ]
    assert "--catalog" in str(show_file(next(read_listing(lines))))


def test_a_list_of_places_needs_no_catalog() -> None:
    lines = ["root://door//pnfs/a.root", "https://door/x/b.root?y=1", "/pnfs/dune/c d.root"]
    found = [*map(show_file, read_listing(lines))]
    names = ["a.root", "b.root", "c d.root"]
    assert found == [{"name": n, "location": at} for n, at in zip(names, lines, strict=True)]


OBJECTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"scope": "mc", "name": "a", "bytes": 5, "adler32": "0cc737eb", "guid": None, "events": None,
         "pfns": {"root://two//a": {"priority": 2}, "root://one//a": {"priority": 1}}},
        {"name": "mc:a", "size": 5, "checksum": "adler32:0cc737eb", "location": "root://one//a",
         "replicas": ["root://two//a"], "catalog": "rucio"},
    ),
    (
        {"namespace": "mc", "name": "a", "fid": "x", "size": 5, "checksums": {"adler32": "0cc737eb"},
         "metadata": {"core.runs": [1]}},
        {"name": "mc:a", "size": 5, "checksum": "adler32:0cc737eb", "metadata": {"core.runs": [1]},
         "catalog": "metacat"},
    ),
    (
        {"file_name": "a", "file_id": 1, "file_size": 5, "checksum": ["enstore:1"], "event_count": 3,
         "runs": [[7, 1, "mc"]], "data_tier": "raw"},
        {"name": "a", "size": 5, "checksum": "enstore:1", "events": 3, "run": 7,
         "metadata": {"data_tier": "raw"}, "catalog": "sam"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "read"), OBJECTS)
def test_objects_of_other_catalogs_are_read_as_files(given: dict[str, Any], read: object) -> None:
    lines = [json.dumps(given), json.dumps([given])]
    assert [*map(show_file, read_json_lines(lines))] == [read, read]


def test_a_csv_has_several_replicas_and_may_have_no_size() -> None:
    lines = [
        "File_Name,size_bytes,location,replicas,run",
        "a,,root://one//a,root://two//a https://three/a,7",
    ]
    (found,) = read_csv_rows(lines)
    assert show_file(found) == {
        "name": "a",
        "location": "root://one//a",
        "replicas": ["root://two//a", "https://three/a"],
        "run": 7,
    }


REAL = Path(__file__).parents[3] / "shared/data/files/delphi_1995.csv"


@pytest.mark.skipif(not REAL.exists(), reason="the real file lists are not here")
def test_every_line_of_a_real_list_is_a_file() -> None:
    with REAL.open(encoding="utf-8", newline="") as file:
        found = [*read_csv_rows(file, "opendata")]
    with REAL.open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    files = [each.file for each in found if isinstance(each, ListedFile)]
    assert [(f.name, str(f.size), f.checksum) for f in files] == [
        (row["name"], row["size_bytes"], row["checksum"]) for row in rows
    ]
