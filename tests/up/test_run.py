"""`make run`: everything starts in order, stays up, finds its data again, and leaves nothing."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import asyncpg
import pytest

from tests.up.stub_checkout import Checkout, wait_until
from up import children

READY = "until you press Ctrl-C"


def ask_api_pid(said: str) -> int:
    """Ask the stand-in API for its process id."""
    address = re.search(r"http://[\d.]+:\d+/", said)
    assert address is not None
    with urllib.request.urlopen(address[0], timeout=5) as answer:
        return int(answer.read())


def list_worker_pids(checkout: Checkout) -> list[int]:
    file = checkout.folder / "worker.pids"
    return [int(pid) for pid in file.read_text().split()] if file.exists() else []


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and ") Z" not in stat.read_text()


def test_it_starts_shows_the_example_and_finds_its_data_again(checkout: Checkout) -> None:
    first = checkout.start(POMS_EXAMPLE="on")
    said = checkout.says(READY)
    assert "Making a new database" in said
    assert re.search(r"POMS is at http://127\.0\.0\.1:\d+/#token=a-token\n", said)
    assert re.search(
        r"example --url \S+ --token a-token --store \S+/store --faults 0\.1 --batch-system local --jobs 54 1\n",
        said,
    )
    secret = (checkout.home / "secret").read_text()
    assert (checkout.home / "secret").stat().st_mode & 0o777 == 0o600
    settings = checkout.home / "env"
    assert settings.stat().st_mode & 0o777 == 0o600
    assert re.search(r"^POMS_DATABASE_URL=", settings.read_text(), re.MULTILINE)
    first.send_signal(signal.SIGINT)
    assert first.wait(timeout=30) == 0
    assert checkout.left_running() == []

    second = checkout.start(POMS_EXAMPLE="on")
    said = checkout.says(READY)
    assert "Making a new database" not in said
    assert re.search(r"/store --faults 0\.1 --batch-system local --jobs 54 2\n", said)
    assert (checkout.home / "secret").read_text() == secret
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=30) == 0


PASSWORDS = (
    "postgres-password", "poms-owner-password", "poms-api-password", "poms-worker-password",
    "valkey-password",
)  # fmt: skip


def stop_process(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0


def locate_server_file(checkout: Checkout, name: str) -> Path:
    """What is known of a database's process."""
    (found,) = (
        Path("/proc", str(pid))
        for pid in checkout.left_running()
        if Path("/proc", str(pid), "comm").read_text().strip() == name and os.getpgid(pid) == pid
    )
    return found


def test_the_databases_have_accounts_and_passwords_of_their_own(checkout: Checkout) -> None:
    process = checkout.start()
    checkout.says(READY)
    passwords = [checkout.home / name for name in PASSWORDS]
    assert {path.stat().st_mode & 0o777 for path in passwords} == {0o600}
    words = [path.read_text() for path in passwords]
    assert len(set(words)) == len(words)
    for pid in checkout.left_running():
        line = Path("/proc", str(pid), "cmdline").read_text()
        assert not any(word in line for word in words)
    owners = [
        locate_server_file(checkout, name).stat().st_uid for name in ("postgres", "valkey-server")
    ]
    if os.geteuid() == 0:
        assert owners == [children.POSTGRES.uid, children.VALKEY.uid]
    else:
        assert owners == [os.geteuid()] * 2
    run = checkout.home / "run"
    for role in ("poms", "poms_owner", "poms_api", "poms_worker"):
        asked = asyncpg.connect(host=str(run / "postgres"), user=role, database="poms", password="")
        with pytest.raises(asyncpg.InvalidPasswordError):
            asyncio.run(asked)
    with socket.socket(socket.AF_UNIX) as valkey:
        valkey.connect(str(run / "valkey" / "valkey.sock"))
        valkey.sendall(b"KEYS *\r\n")
        assert valkey.recv(100).startswith(b"-NOAUTH")
    stop_process(process)


def test_what_an_older_version_made_is_taken_over(checkout: Checkout) -> None:
    first = checkout.start(POMS_EXAMPLE="on")
    checkout.says(READY)
    stop_process(first)
    for name in PASSWORDS:
        (checkout.home / name).unlink()
    shutil.rmtree(checkout.home / "run")
    (checkout.home / "run").mkdir(mode=0o700)
    if nobody := children.find_run_account():
        for folder in ("postgres", "valkey", "run"):
            for path in (checkout.home / folder, *(checkout.home / folder).rglob("*")):
                os.chown(path, *nobody, follow_symlinks=False)
    for _ in range(2):
        second = checkout.start(POMS_EXAMPLE="on")
        checkout.says(READY)
        stop_process(second)
    assert re.search(r"--batch-system local --jobs 54 3\n", checkout.text)
    assert "Closing the database" not in checkout.text


def test_what_is_killed_starts_again_and_says_so(checkout: Checkout) -> None:
    checkout.start()
    said = checkout.says(READY)
    wait_until(lambda: list_worker_pids(checkout))
    before = list_worker_pids(checkout)
    os.kill(before[0], signal.SIGKILL)
    os.kill(ask_api_pid(said), signal.SIGKILL)
    said = checkout.says("worker ended (SIGKILL); it starts again in 0.5 s.\n    worker begins")
    said = checkout.says("API ended (SIGKILL)")

    def is_another() -> bool:
        now = list_worker_pids(checkout)
        return bool(now) and now != before and is_alive(now[0])

    wait_until(is_another)
    os.kill(int((checkout.home / "postgres" / "postmaster.pid").read_text().split()[0]), 9)
    checkout.says("Postgres ended (SIGKILL)")
    pid_file = checkout.home / "postgres" / "postmaster.pid"
    wait_until(lambda: pid_file.exists() and "ready" in pid_file.read_text())
    # What the killed worker had started was adopted; it ends with everything else.
    assert is_alive(before[1])
    checkout.started[0].send_signal(signal.SIGINT)
    assert checkout.started[0].wait(timeout=30) == 0
    assert not is_alive(before[1])


def test_nothing_outlives_a_kill(checkout: Checkout) -> None:
    kill_running(checkout)
    wait_until(lambda: not checkout.left_running(), within=5)


def test_the_next_run_waits_for_what_a_killed_one_left(checkout: Checkout) -> None:
    kill_running(checkout)
    checkout.start()
    checkout.says(READY)


def kill_running(checkout: Checkout) -> None:
    """Start it, and kill it in full swing."""
    process = checkout.start()
    checkout.says(READY)
    wait_until(lambda: list_worker_pids(checkout))
    process.kill()
    # The stand-in for a runner of jobs is tied to nothing, and the adopter is dead.
    os.kill(list_worker_pids(checkout)[1], signal.SIGKILL)
    process.wait()


def test_a_second_one_is_told_that_the_first_runs(checkout: Checkout) -> None:
    first = checkout.start()
    checkout.says(READY)
    second = checkout.start()
    assert second.wait(timeout=20) == 1
    assert checkout.text == (
        f"POMS already runs from {checkout.home} (process {first.pid}): "
        "stop that one with Ctrl-C, or use it.\n"
    )


def test_a_port_in_use_is_one_sentence(checkout: Checkout) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert checkout.start(POMS_PORT=str(port)).wait(timeout=20) == 1
    assert checkout.text.startswith(f"Port {port} is in use by process {os.getpid()} (")
    assert checkout.text.endswith(f"as in `POMS_PORT={port + 1} make run`.\n")
    assert checkout.text.count("\n") == 1


def test_a_database_that_cannot_be_reached_is_one_sentence(checkout: Checkout) -> None:
    url = "postgresql://poms:hush@127.0.0.1:1/poms"
    process = checkout.start(POMS_DATABASE_URL=url, POMS_REDIS_URL="redis://127.0.0.1:1")
    assert process.wait(timeout=20) == 1
    assert "Can't use the database at 127.0.0.1/poms" in checkout.text
    assert "check POMS_DATABASE_URL" in checkout.text
    assert "hush" not in checkout.text
    assert not (checkout.home / "postgres").exists()


def test_servers_of_ones_own_are_used(
    checkout: Checkout, empty_database_url: str, redis_url: str
) -> None:
    checkout.start(POMS_DATABASE_URL=empty_database_url, POMS_REDIS_URL=redis_url)
    checkout.says(READY)
    assert not (checkout.home / "postgres").exists()
    assert not (checkout.home / "log" / "valkey.log").exists()


def test_an_api_that_cannot_start_ends_it_with_its_last_words(
    checkout: Checkout, empty_database_url: str, redis_url: str
) -> None:
    (checkout.folder / "the app is broken").touch()
    process = checkout.start(POMS_DATABASE_URL=empty_database_url, POMS_REDIS_URL=redis_url)
    assert process.wait(timeout=60) == 1
    assert "API ended (exit code 1); it starts again in 0.5 s." in checkout.text
    assert checkout.text.splitlines()[-1].startswith("API did not become ready: see ")
    assert checkout.text.splitlines()[-1].endswith("RuntimeError: no good")


@pytest.mark.parametrize("port", ["http", "70000", "-1"])
def test_a_port_that_is_none_is_one_sentence(checkout: Checkout, port: str) -> None:
    assert checkout.start(POMS_PORT=port).wait(timeout=20) == 1
    assert checkout.text == f"POMS_PORT is '{port}': make it a number from 1024 to 65535.\n"


def test_a_number_of_processes_that_is_none_is_one_sentence(checkout: Checkout) -> None:
    assert checkout.start(POMS_APIS="two").wait(timeout=20) == 1
    assert checkout.text == "POMS_APIS is 'two': make it a number from 1 to 16.\n"


def test_a_file_that_names_no_rucio_is_one_sentence(checkout: Checkout) -> None:
    assert checkout.start(POMS_EXAMPLE_RUCIO="/nowhere").wait(timeout=20) == 1
    assert checkout.text == "POMS_EXAMPLE_RUCIO: /nowhere does not say where Rucio is.\n"
