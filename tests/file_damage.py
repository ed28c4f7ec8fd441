"""What accidents do to files that are only ever appended to."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path


def copy_file(path: Path) -> None:
    """Another file of the same content, as after a copy of the folder."""
    shutil.copy(path, path.with_suffix(".copy"))
    owner = path.stat()
    os.chown(path.with_suffix(".copy"), owner.st_uid, owner.st_gid)
    os.replace(path.with_suffix(".copy"), path)


def cut_file(path: Path) -> None:
    """In the middle of the last line."""
    os.truncate(path, path.stat().st_size - 5)


def rotate_file(path: Path) -> None:
    path.rename(path.with_name(".rotated"))


def damage_file(path: Path) -> None:
    """As a file system that lost power leaves it."""
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + b"\0" * 40 + b"\n{}\n[1]\n\xff\n")


ACCIDENTS: Mapping[str, Callable[[Path], None]] = {
    "copied": copy_file,
    "cut": cut_file,
    "deleted": Path.unlink,
    "rotated": rotate_file,
}
