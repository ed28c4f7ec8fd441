"""Outputs that jobs declare: the file itself is looked at, where it is plain, no larger, and the experiment's own."""

import asyncio
import hashlib
import os
import zlib
from pathlib import Path

import pytest

from batch.payload.plain_files import has_checksum
from catalogs import ClaimedFile, ClaimProblem, ConfirmedFile
from catalogs.embedded import EmbeddedCatalog
from tests.hostile_files import CHECKSUM, HOSTILE, TEXT, Lay, make_hard_link

CONFIRMED = ConfirmedFile(f"{zlib.adler32(TEXT):08x}")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """The experiment's own folder."""
    (tmp_path / "store/e1").mkdir(parents=True)
    return tmp_path / "store/e1"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A file of another experiment."""
    (tmp_path / "store/e2").mkdir(parents=True)
    (tmp_path / "store/e2/other").write_bytes(TEXT)
    return tmp_path / "store/e2/other"


async def confirm_file(
    path: Path | str, mine: Path, size: int = len(TEXT), checksum: str = CHECKSUM
) -> str | None:
    async with asyncio.timeout(20):
        (said,) = await EmbeddedCatalog().confirm([ClaimedFile(str(path), size, checksum)], [mine])
    return said.text if isinstance(said, ClaimProblem) else None


async def test_a_file_as_it_was_declared_is_good(mine: Path) -> None:
    (mine / "deep/er").mkdir(parents=True)
    (mine / "deep/er/$(x) ü.root").write_bytes(TEXT)
    assert await confirm_file(mine / "deep/er/$(x) ü.root", mine) is None


@pytest.mark.parametrize("lay", [*HOSTILE.values(), make_hard_link], ids=[*HOSTILE, "a hard link"])
async def test_what_is_no_plain_file_of_ones_own_is_not_located(
    lay: Lay, mine: Path, other: Path
) -> None:
    path = lay(mine, other)
    size = path.stat().st_size if path.name == "sparse" else len(TEXT)
    said = await confirm_file(path, mine, size)
    assert said
    assert str(len(TEXT)) not in said
    # Nor is it told in what a claim is wrong.
    assert await confirm_file(path, mine, size, checksum="sha256:" + "0" * 64) == said


@pytest.mark.parametrize(
    "way", ["{other}", "{mine}/../e2/other", "{mine}0/x", "/{other}", "e1/x", "{mine}", "", "\0"]
)
async def test_of_what_lies_elsewhere_nothing_is_told(way: str, mine: Path, other: Path) -> None:
    path = way.format(mine=mine, other=other)
    said = {
        await confirm_file(path, mine),
        await confirm_file(path, mine, size=1),
        await confirm_file(path, mine, checksum="sha256:" + "0" * 64),
    }
    other.unlink()
    said.add(await confirm_file(path, mine))
    assert len(said) == 1
    assert said != {None}


async def test_a_folder_that_was_given_counts(mine: Path, other: Path) -> None:
    claimed = [ClaimedFile(str(other), len(TEXT), CHECKSUM)]
    assert await EmbeddedCatalog().confirm(claimed, [mine, other.parent]) == [CONFIRMED]


async def test_a_folder_may_itself_be_reached_by_a_link(mine: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(mine)
    (mine / "x").write_bytes(TEXT)
    claimed = [ClaimedFile(str(tmp_path / "link/x"), len(TEXT), CHECKSUM)]
    assert await EmbeddedCatalog().confirm(claimed, [tmp_path / "link"]) == [CONFIRMED]


async def test_what_is_larger_than_claimed_is_not_read(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (mine / "x").write_bytes(TEXT + b"more")
    monkeypatch.setattr(os, "read", lambda *_: pytest.fail("it was read"))
    assert await confirm_file(mine / "x", mine) == f"It has {len(TEXT) + 4} bytes, not {len(TEXT)}."


async def test_a_claim_without_a_sha256_is_not_believed(mine: Path) -> None:
    (mine / "x").write_bytes(TEXT)
    for checksum in ("", "sha256:", "md5:" + hashlib.md5(TEXT).hexdigest(), "sha256:" + "0" * 64):
        assert await confirm_file(mine / "x", mine, checksum=checksum)


def test_a_file_that_grows_for_ever_ends_after_what_was_claimed() -> None:
    with open("/dev/zero", "rb") as endless:
        zeros = hashlib.sha256(b"\0" * 5_000_000).hexdigest()
        assert not has_checksum(endless.fileno(), 5_000_000, f"sha256:{zeros}")
