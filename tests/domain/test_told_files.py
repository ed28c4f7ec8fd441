"""What is told of files: where they may lie, what fills in or contradicts what is known, which are looked at."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from domain.files.datasets import (
    NewFile,
    check_files,
    compare_files,
    fill_file,
    list_filled_parts,
    merge_files,
)
from domain.files.file_checks import SAMPLE, list_sampled_ordinals

OWN = [Path("/store/e1")]
NAME = "mc:run/7/a.root"


def check_one(file: NewFile) -> list[str]:
    return [finding.path for finding in check_files([file], OWN)]


@pytest.mark.parametrize(
    "location",
    [
        "root://door.example.org:1094//pnfs/a.root",
        "https://door.example.org/a.root?x=1",
        "gsiftp://door.example.org/a.root",
        "enstore:/pnfs/a.root",
        "/store/e1/a.root",
    ],
)
def test_a_file_may_lie_at_an_address_or_below_its_own_folders(location: str) -> None:
    assert check_one(NewFile("a.root", location=location, replicas=[location])) == []


@pytest.mark.parametrize(
    "location",
    [
        "/store/e2/a.root",
        "/store/e1/../e2/a.root",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "root:",
        "root://door",
        "https://door/a b",
        "https://door/a\nb",
        "https://me:secret@door/a.root",
        "root://door//a.root?authz=Bearer",
        "http://[/a",
        "a.root",
        "",
    ],
)
def test_other_places_are_refused(location: str) -> None:
    assert check_one(NewFile("a.root", location=location)) == ["files[0].location"]
    given = NewFile("a.root", location="/store/e1/a.root", replicas=[location])
    assert check_one(given) == ["files[0].replicas"]


def test_only_outside_catalogs_have_slashes_in_names_and_files_without_a_place() -> None:
    assert check_one(NewFile(NAME, catalog="rucio")) == []
    assert check_one(NewFile(NAME)) == ["files[0].name", "files[0].location"]
    for name in ("a/../b", "./a", "x" * 501, "a\nb", ""):
        assert check_one(NewFile(name, catalog="rucio")) == ["files[0].name"]


KNOWN = NewFile("a", 5, "/store/e1/a", "adler32:0012ab", metadata={"tier": "raw", "staged": False})
TOLD = NewFile(
    "a", 5, "root://door//a", "ADLER32:12AB", 10, 7, {"tier": "raw", "day": 1, "staged": True}
)


def test_what_is_told_fills_in_what_was_not_known_and_moves_the_mark() -> None:
    assert compare_files(KNOWN, TOLD) == []
    now = fill_file(KNOWN, TOLD)
    assert now == replace(
        KNOWN,
        events=10,
        run=7,
        replicas=("root://door//a",),
        metadata={"tier": "raw", "day": 1, "staged": True},
    )
    assert list_filled_parts(KNOWN, now) == ["events", "run", "metadata", "replicas"]
    assert list_filled_parts(now, fill_file(now, TOLD)) == []


@pytest.mark.parametrize(
    ("told", "parts"),
    [
        (replace(TOLD, size=6), ["size"]),
        (replace(TOLD, checksum="adler32:13ab"), ["checksum"]),
        (replace(TOLD, checksum="sha256:12ab"), []),
        (replace(TOLD, catalog="sam"), ["catalog"]),
        (replace(TOLD, metadata={"tier": "reco"}), ["metadata.tier"]),
        (NewFile("a"), []),
    ],
)
def test_what_contradicts_is_named(told: NewFile, parts: list[str]) -> None:
    assert [found.part for found in compare_files(KNOWN, told)] == parts


def test_a_file_that_a_list_has_twice_is_what_both_say() -> None:
    told = merge_files([NewFile("a", 5), NewFile("b"), NewFile("a", run=7), NewFile("a", 6)])
    assert [finding.path for finding in told.findings] == ["files[3].size"]
    assert told.by_name["a"] == NewFile("a", 5, run=7)


@pytest.mark.parametrize("listed", [None, [3 * n for n in range(5_000)]])
def test_a_sample_lies_evenly_among_all_files(listed: list[int] | None) -> None:
    def list_looks(*, is_whole: bool) -> list[int]:
        parts = list_sampled_ordinals(0, 5_000, listed, is_whole=is_whole)
        return [ordinal for part in parts for ordinal in part]

    among = listed or [*range(5_000)]
    assert list_looks(is_whole=True) == among
    sample = list_looks(is_whole=False)
    assert len({*sample}) == SAMPLE
    assert sample == sorted(sample)
    assert (sample[0], sample[-1]) == (among[0], among[-1])
    gaps = {b - a for a, b in pairwise(sample)}
    assert max(gaps) <= 2 * min(gaps)
