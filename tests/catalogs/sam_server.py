"""The stand-in of SAM, as a process."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.conftest import wait_until
from up.ports import find_free_port

ROOT = Path(__file__).parents[2]


@contextmanager
def run_sam() -> Iterator[str]:
    """Where it answers, as long as the block lasts."""
    port = find_free_port()
    command = [sys.executable, "-m", "tests.catalogs.sam_stand_in", str(port)]
    process = subprocess.Popen(command, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None
        try:
            return httpx2.get(f"{url}/sam/x/api/definitions/list").is_success
        except httpx2.TransportError:
            return False

    try:
        wait_until(answers, what="SAM")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)
