"""What `make run` does, as a stranger sees it, while every process of it is killed at arbitrary moments."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.conftest import wait_until

ROOT = Path(__file__).parents[1]
VICTIMS = ("uvicorn", "-m workers", "bin/postgres", "valkey-server", "-m batch.local", "FLUSHALL")


@pytest.fixture
def home(service_home: Path) -> Path:
    made = service_home / "run"
    made.mkdir()
    return made


def start_house(
    home: Path, out: "IO[str] | int" = subprocess.PIPE, **settings: str
) -> subprocess.Popen[str]:
    env = os.environ | {"POMS_HOME": str(home), "POMS_PORT": "0", "PYTHONPATH": str(ROOT)}
    env["POMS_EXAMPLE_JOBS"] = "27"
    return subprocess.Popen(
        [sys.executable, "-m", "up"],
        cwd=ROOT, env=env | settings, stdout=out, stderr=subprocess.STDOUT, text=True, bufsize=1,
    )  # fmt: skip


def list_children(pid: int) -> list[tuple[int, str]]:
    """The direct children of a process, with their command lines."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            if entry.name.isdigit() and parent == str(pid):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found.append((int(entry.name), words))
        except OSError:
            continue
    return found


def kill_or_empty(victim: str, parent: int, home: Path) -> None:
    """Kill a process, or take from Valkey all that it has."""
    if victim == "FLUSHALL":
        socket = home / "run/valkey/valkey.sock"
        wait_until(socket.exists, what="the socket")
        password = (home / "valkey-password").read_text().strip()
        with suppress(RedisError), Redis(unix_socket_path=str(socket), password=password) as redis:
            redis.flushall()
    for pid, words in list_children(parent):
        if victim in words:
            os.kill(pid, signal.SIGKILL)


@pytest.mark.timeout(400)
def test_the_example_is_exactly_right_whatever_is_killed_meanwhile(home: Path) -> None:
    dice = random.Random(os.environ.get("POMS_TEST_SEED", "7"))
    victims = dice.sample(VICTIMS, len(VICTIMS))
    service, said = start_house(home), []
    assert service.stdout is not None
    next_kill: float | None = None
    try:
        for line in service.stdout:
            said.append(line)
            if line.startswith("It runs until"):
                break
            if line.startswith("generate ") and next_kill is None:
                next_kill = time.monotonic() + dice.uniform(0.5, 2)
            if next_kill is not None and time.monotonic() > next_kill and victims:
                kill_or_empty(victims.pop(), service.pid, home)
                next_kill = time.monotonic() + dice.uniform(0.5, 3)
    finally:
        service.send_signal(signal.SIGINT)
        rest = service.communicate(timeout=60)[0]
    text = "".join(said) + rest
    assert "agree exactly" in text, text
    assert "exit code" not in text, text
    assert not victims, f"{victims} were not killed\n{text}"
    done = re.search(r"merge +\d+ +108 +108 +100 +0 ", text)
    assert done, text
    assert service.returncode == 0
