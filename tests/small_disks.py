"""Disks so small that a test can fill them."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class SmallDisk:
    """A file system of a few megabytes."""

    path: Path

    def fill(self) -> None:
        """Leave no byte free."""
        with (self.path / ".ballast").open("ab", buffering=0) as ballast:
            for piece in (1 << 20, 1 << 12, 1 << 9):
                self._write_until_full(ballast.fileno(), bytes(piece))

    def _write_until_full(self, ballast: int, piece: bytes) -> None:
        try:
            while True:
                os.write(ballast, piece)
        except OSError:
            return

    def make_room(self) -> None:
        (self.path / ".ballast").unlink(missing_ok=True)


@contextmanager
def make_small_disk(megabytes: int) -> Iterator[SmallDisk]:
    """A file system in memory, which anybody may traverse; the test is skipped where none can be mounted."""
    with ExitStack() as open_disks:
        try:
            disk = open_disks.enter_context(mount_small_disk(megabytes))
        except CannotMount as wrong:
            pytest.skip(str(wrong))
        yield disk


class CannotMount(Exception):
    """Why there is no small disk here."""


@contextmanager
def mount_small_disk(megabytes: int) -> Iterator[SmallDisk]:
    """The same for who can do without; raises CannotMount."""
    if os.geteuid() != 0:
        raise CannotMount("only root may mount a small disk")
    path = Path(tempfile.mkdtemp(prefix=f"poms-test-{os.getpid()}-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(path)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    if done.returncode:
        path.rmdir()
        raise CannotMount(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
        path.rmdir()
