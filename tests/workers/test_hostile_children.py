"""Whatever the children of a launch script do to outlive it, and however it ends: nothing of it runs afterwards."""

import asyncio
import getpass
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from batch.process_tree import list_children
from domain.launching.launch_scripts import OURS, STOPPED_S, LaunchScript, build_ssh_command
from domain.launching.launches import ScriptEnd
from domain.setup.launch_hosts import HostKind
from tests.batch.launch_script_fixture import needs_sshd, run_sshd
from tests.conftest import wait_until
from tests.workers import hostile_child
from tests.workers.house import ROOT
from tests.workers.test_running import Ear, make_program
from workers.running import ScriptProgram, run_program
from workers.scripts import SUPERVISOR_TEXT

NEEDED = [
    "bash",
    "cat",
    "dd",
    "env",
    "id",
    "ls",
    "mktemp",
    "rm",
    "setsid",
    "sh",
    "sleep",
    "touch",
    "true",
    "wc",
]


def build_start_lines(folder: Path, then: str) -> str:
    """A shell's lines that start a child of each kind, and go on when all are in place."""
    folder.mkdir()
    return build_start_lines_in(str(folder), then)


def build_start_lines_in(folder: str, then: str) -> str:
    """The same in a folder that the shell has made by then."""
    python = shlex.quote(sys.executable)
    lines = [
        f"{python} -I {hostile_child.__file__} {kind} {folder} &" for kind in hostile_child.KINDS
    ]
    wait = f"until [ $(ls {folder} | wc -l) = {len(hostile_child.KINDS)} ]; do sleep 0.1; done"
    return "\n".join([*lines, wait, f"touch {folder}/all", then])


def count_alive(folder: Path) -> Counter[str]:
    """How many children of which kind are alive; the one that moves on may not be seen, but touches its file."""
    found, moving = Counter[str](), folder / "moving"
    moving.unlink(missing_ok=True)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            words = Path("/proc", pid, "cmdline").read_text().split("\0")
            if str(folder) in words:
                found[words[words.index(str(folder)) - 1]] += 1
    found["moving"] += moving.exists()
    return +found


async def wait_until_in_place(folder: Path) -> None:
    await asyncio.to_thread(wait_until, (folder / "all").exists, what="all kinds of children")

    def are_seen() -> bool:  # in the midst of an exec a process has no command line
        return set(count_alive(folder)) >= set(hostile_child.KINDS) - {"moving"}

    await asyncio.to_thread(wait_until, are_seen, what="the sight of all kinds of children")


async def test_when_it_ends_by_itself_what_it_left_is_ended_and_said(tmp_path: Path) -> None:
    folder, ear = tmp_path / "places", Ear()
    text = build_start_lines(folder, "echo done; exit 3")
    ended = await run_program(make_program(text, tmp_path), 60, ear.hear, lambda: asyncio.sleep(0))
    assert not count_alive(folder)
    assert (ended.end, ended.exit_code) == (ScriptEnd.EXITED, 3)
    said = [line for line in ear.text.splitlines() if line.startswith(OURS)]
    assert len(said) == 1
    assert "processes that it left had to be ended: " in said[0]


@pytest.mark.parametrize("end", [ScriptEnd.TIME_LIMIT, ScriptEnd.REMOVAL])
async def test_when_it_is_stopped_all_of_it_is(tmp_path: Path, end: ScriptEnd) -> None:
    folder = tmp_path / "places"

    async def look() -> ScriptEnd | None:
        return end if (folder / "all").exists() and count_alive(folder)["bomb"] else None

    ended = await run_program(
        make_program(build_start_lines(folder, "sleep 600"), tmp_path), 60, Ear().hear, look
    )
    assert ended == (end, None)
    assert not count_alive(folder)


@pytest.mark.parametrize("place", ["guard", "supervisor"])
async def test_when_its_supervisor_is_killed_another_one_ends_it(
    tmp_path: Path, place: str
) -> None:
    folder = tmp_path / "places"
    given = make_program(build_start_lines(folder, "sleep 600"), tmp_path)
    process = await asyncio.create_subprocess_exec(
        *given.argv, stdin=asyncio.subprocess.PIPE, env=dict(given.environment)
    )
    await wait_until_in_place(folder)
    (inner,) = list_children(process.pid)
    os.kill(process.pid if place == "guard" else inner, signal.SIGKILL)
    assert await process.wait() == (-9 if place == "guard" else 137)
    await asyncio.to_thread(
        wait_until,
        lambda: not count_alive(folder),
        within=2 * STOPPED_S,
        what="the end of all of it",
    )


PARENT = """
import asyncio, sys
from pathlib import Path
from tests.workers.test_hostile_children import build_start_lines
from tests.workers.test_running import Ear, do_nothing, make_program
from workers.running import run_program
folder = Path(sys.argv[1])
asyncio.run(run_program(make_program(build_start_lines(folder, "sleep 600"), Path("/")), 60, Ear().hear, do_nothing))
"""


async def test_when_its_worker_is_killed_all_of_it_ends(tmp_path: Path) -> None:
    folder = tmp_path / "places"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PARENT, str(folder)]
    worker = subprocess.Popen(command, cwd=ROOT, env=environment)
    await wait_until_in_place(folder)
    worker.kill()
    worker.wait()
    await asyncio.to_thread(
        wait_until,
        lambda: not count_alive(folder),
        within=2 * STOPPED_S,
        what="the end of all of it",
    )


@pytest.mark.parametrize("end", ["by itself", "stopped"])
@pytest.mark.parametrize("has", ["python3", "unshare"])
async def test_another_host_does_it_with_what_it_has(tmp_path: Path, has: str, end: str) -> None:
    if has == "unshare" and subprocess.run([*SPACE, "true"]).returncode:
        pytest.skip("no process namespaces here")
    folder, process = tmp_path / "places", await start_away(tmp_path, has, end)
    await wait_until_in_place(folder)
    (folder / "go").touch()
    assert process.stdin is not None
    if end == "stopped":
        process.stdin.close()
    said, _ = await process.communicate()
    assert process.returncode == (0 if end == "by itself" else 143)
    assert not count_alive(folder)
    way = {"python3": "a subreaper", "unshare": "a process namespace"}[has]
    assert said.decode().startswith(f"{OURS}All that it starts is ended with it: by {way}.\n")


SPACE = ["unshare", "--pid", "--fork", "--kill-child"]
if os.getuid():
    SPACE += ["--user", "--map-current-user"]


async def test_another_host_that_has_nothing_says_so(tmp_path: Path) -> None:
    process = await start_away(tmp_path, "", "by itself")
    said, _ = await process.communicate()
    assert b"what leaves its process group is not ended" in said
    assert process.returncode == 0


async def start_away(tmp_path: Path, has: str, end: str) -> asyncio.subprocess.Process:
    """The wrapper that runs on launch hosts, where there are few programs."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in (*NEEDED, *([has] if has else [])):
        found = sys.executable if name == "python3" else shutil.which(name)
        assert found is not None, name
        (programs / name).symlink_to(found)
    folder, then = tmp_path / "places", "sleep 600"
    if end == "by itself":
        then = f"until [ -e {folder}/go ]; do sleep 0.1; done" if has else "exit 0"
    text = build_start_lines(folder, then) if has else then
    script = LaunchScript(["sh", "-c", text], [], {}, HostKind.SSH, "elsewhere")
    argv = build_ssh_command(script, SUPERVISOR_TEXT)
    there = " ".join(argv[argv.index("--") + 2 :])
    return await asyncio.create_subprocess_exec(
        "sh", "-c", there, env={"PATH": str(programs)}, start_new_session=True,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


@needs_sshd
@pytest.mark.parametrize("how", ["limit", "ssh is killed"])
async def test_by_ssh_all_of_it_ends_on_the_other_host(tmp_path: Path, how: str) -> None:
    folder, ear = tmp_path / "places", Ear()
    text = ["sh", "-c", build_start_lines(folder, "sleep 600")]

    async def look() -> ScriptEnd | None:
        return ScriptEnd.TIME_LIMIT if (folder / "all").exists() else None

    with run_sshd(tmp_path / "sshd") as (port, configuration):
        script = LaunchScript(text, [], {}, HostKind.SSH, f"127.0.0.1:{port}", getpass.getuser())
        argv = build_ssh_command(script, SUPERVISOR_TEXT, ["-F", str(configuration)])
        if how == "limit":
            await run_program(ScriptProgram(argv, os.environ, tmp_path), 60, ear.hear, look)
            assert f"{OURS}All that it starts is ended with it: by a subreaper." in ear.text
        else:
            client = await asyncio.create_subprocess_exec(*argv, stdin=asyncio.subprocess.PIPE)
            await wait_until_in_place(folder)
            client.kill()
            await client.wait()
        await asyncio.to_thread(
            wait_until,
            lambda: not count_alive(folder),
            within=2 * STOPPED_S,
            what="the end of all of it",
        )
