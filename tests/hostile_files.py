"""Files that somebody lays out so that who opens them hangs, reads what isn't theirs, or reads for ever."""

import hashlib
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

TEXT = b"what stands in the other's file"
CHECKSUM = f"sha256:{hashlib.sha256(TEXT).hexdigest()}"

Lay = Callable[[Path, Path], Path]
"""Lays it out in a folder; the other file is somebody else's. Returns the path that is named."""


def _make_link(mine: Path, other: Path) -> Path:
    (mine / "link").symlink_to(other)
    return mine / "link"


def _make_link_to_own(mine: Path, _: Path) -> Path:
    (mine / "own").write_bytes(TEXT)
    (mine / "link").symlink_to("own")
    return mine / "link"


def _make_linked_folder(mine: Path, other: Path) -> Path:
    (mine / "there").symlink_to(other.parent)
    return mine / "there" / other.name


def _make_linked_folder_far_above(mine: Path, other: Path) -> Path:
    (other.parent / "deep/er").mkdir(parents=True)
    (other.parent / "deep/er/file").write_bytes(TEXT)
    (mine / "there").symlink_to(other.parent / "deep")
    return mine / "there/er/file"


def _make_fifo(mine: Path, _: Path) -> Path:
    os.mkfifo(mine / "fifo")
    return mine / "fifo"


def _make_socket(mine: Path, _: Path) -> Path:
    here = os.open(mine, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{here}/socket")  # a path of its own may be too long
    os.close(here)
    return mine / "socket"


def _make_folder(mine: Path, _: Path) -> Path:
    (mine / "folder").mkdir()
    return mine / "folder"


def _make_device(mine: Path, _: Path) -> Path:
    try:
        os.mknod(mine / "zero", 0o20666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")
    return mine / "zero"


def _make_sparse_file(mine: Path, _: Path) -> Path:
    with (mine / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    return mine / "sparse"


def _make_path_behind_file(mine: Path, _: Path) -> Path:
    (mine / "file").write_bytes(TEXT)
    return mine / "file/x"


def _make_nothing(mine: Path, _: Path) -> Path:
    return mine / "nothing"


HOSTILE: Mapping[str, Lay] = {
    "a link to another's file": _make_link,
    "a link to a file of one's own": _make_link_to_own,
    "another's folder behind a link": _make_linked_folder,
    "a link two folders above": _make_linked_folder_far_above,
    "a FIFO": _make_fifo,
    "a socket": _make_socket,
    "a folder": _make_folder,
    "a device": _make_device,
    "a sparse file": _make_sparse_file,
    "a path through a file": _make_path_behind_file,
    "nothing": _make_nothing,
}


def make_hard_link(mine: Path, other: Path) -> Path:
    """Another name of somebody else's file."""
    os.link(other, mine / "hard")
    return mine / "hard"
