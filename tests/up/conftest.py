"""A home for the databases, and a checkout to start."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.up.stub_checkout import Checkout, make_stub_checkout, wait_until


@pytest.fixture
def home() -> Iterator[Path]:
    """A short path that the databases' unprivileged user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="poms-up-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def checkout(tmp_path: Path, home: Path) -> Iterator[Checkout]:
    """A stand-in checkout that nobody has started yet; nothing of it outlives the test."""
    it = make_stub_checkout(tmp_path, home / "poms")
    yield it
    for process in it.started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    wait_until(lambda: not it.left_running(), what=lambda: f"left running: {it.left_running()}")
