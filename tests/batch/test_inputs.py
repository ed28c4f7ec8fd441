"""Inputs: whoever reads one compares it with what the catalog says, and opens only plain files."""

import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from batch import Launch
from batch.directory import InputFile, LaunchOrder, LaunchUnit, prepare_directory
from batch.htcondor.carried_inputs import put_inputs
from domain.setup.resources import Resources
from tests.batch.test_payload import Site, list_fates
from tests.hostile_files import CHECKSUM, HOSTILE, TEXT, Lay

SPOILT = b"what stands in the other's bits"
CHECKSUMS: dict[str, Callable[[bytes], str]] = {
    "adler32": lambda text: f"adler32:{zlib.adler32(text):08x}",
    "a short adler32": lambda text: f"adler32:{zlib.adler32(text):x}",
    "capitals": lambda text: f"ADLER32:{zlib.adler32(text):08X}",
    "md5": lambda text: f"md5:{hashlib.md5(text).hexdigest()}",
    "sha1": lambda text: f"sha1:{hashlib.sha1(text).hexdigest()}",
    "sha256": lambda text: f"sha256:{hashlib.sha256(text).hexdigest()}",
    "sha512": lambda text: f"sha512:{hashlib.sha512(text).hexdigest()}",
}
MISSING = ("waiting", "failed", "missing_input")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "home").mkdir()
    return Site(tmp_path / "home")


def put_input(site: Site, text: bytes, checksum: str | None) -> None:
    """One input, of which the catalog says so."""
    path = site.home / "in.root"
    path.write_bytes(text)
    site.files = [InputFile(10, "in.root", str(path), len(TEXT), checksum)]


@pytest.mark.parametrize("kind", CHECKSUMS)
def test_an_input_of_its_size_and_another_content_is_not_worked_on(site: Site, kind: str) -> None:
    assert len(SPOILT) == len(TEXT)
    put_input(site, TEXT, CHECKSUMS[kind](TEXT))
    assert site.run("echo I ran")["outcome"] == "succeeded"
    put_input(site, SPOILT, CHECKSUMS[kind](TEXT))
    report = site.run("echo I ran")
    assert (site.status, report["reason"]) == (80, "missing_input")
    assert list_fates(report) == {"in.root": MISSING}
    assert "It has not the checksum" in report["log_tail"]
    assert "I ran" not in report["log_tail"]


@pytest.mark.parametrize("checksum", [None, "", "crc64:0", "aa", "sha256", "md5:"])
def test_what_is_no_checksum_that_is_known_is_not_compared(
    site: Site, checksum: str | None
) -> None:
    put_input(site, SPOILT, checksum)
    assert site.run("echo I ran")["outcome"] == "succeeded"


def test_checksums_are_not_compared_where_that_is_switched_off(site: Site) -> None:
    put_input(site, SPOILT, CHECKSUM)
    assert site.run("echo I ran", verify=False)["outcome"] == "succeeded"


def test_switching_it_makes_no_other_launch(site: Site) -> None:
    put_input(site, TEXT, CHECKSUM)
    order = LaunchOrder("m0", ["true"], "store", [LaunchUnit(1, site.files)])
    assert prepare_directory(site.home, order) == prepare_directory(
        site.home, replace(order, verify=False)
    )


@pytest.mark.parametrize("lay", HOSTILE.values(), ids=HOSTILE)
def test_an_input_that_is_no_plain_file_is_missing(site: Site, tmp_path: Path, lay: Lay) -> None:
    mine, other = tmp_path / "e1", tmp_path / "e2/other"
    mine.mkdir()
    other.parent.mkdir()
    other.write_bytes(TEXT)
    path = lay(mine, other)
    size = path.stat().st_size if path.name == "sparse" else len(TEXT)
    site.files = [InputFile(10, "in.root", str(path), size, CHECKSUM)]
    # Folders on the way are those of whoever runs the job: it reads with no rights but its own.
    if path.parent.resolve() == path.parent:
        assert list_fates(site.run("echo I ran")) == {"in.root": MISSING}
    # What travels with a job is read with ours.
    assert describe_transfer_input(tmp_path, path, mine) == (path.name == "sparse")
    assert not describe_transfer_input(tmp_path, other, mine)


def describe_transfer_input(home: Path, path: Path, mine: Path) -> bool:
    """Whether HTCondor is told to carry it."""
    (home / "units").mkdir(exist_ok=True)
    (home / "units/1.json").write_text(json.dumps({"files": [{"path": str(path)}]}))
    launch = Launch("m1", home, [1], Resources(), "a/b", folders=[mine])
    (listed,) = put_inputs(launch, copies_mb=0, only_ours=False)
    assert listed in ("", f"{home}/inputs/1.0")
    assert not listed or Path(listed).samefile(path)
    return bool(listed)


def test_what_lies_elsewhere_is_handed_on_as_it_is_and_not_looked_at(site: Site) -> None:
    address, other = "root://door//pnfs/a.root", "https://door/a.root"
    site.files = [
        InputFile(10, "a", address, 5, "adler32:1", [other], is_elsewhere=True),
        InputFile(11, "mc:run/b", "mc:run/b", is_elsewhere=True),
    ]
    report = site.run('cat "$POMS_INPUTS" "$POMS_REPLICAS"')
    assert report["outcome"] == "succeeded"
    places = json.dumps([address, other]), json.dumps(["mc:run/b"])
    assert report["log_tail"].splitlines()[-4:] == [address, "mc:run/b", *places]
