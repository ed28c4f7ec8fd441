"""What a launch script says while it runs, and that nothing of it outlives its time or its worker."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from catalogs.embedded import Embedded
from db import launches, slices
from db.launches import LaunchAttempt
from db.pool import Pool
from db.taking import Asked
from domain.launch_scripts import Script, local
from domain.launches import LaunchState, ScriptEnd
from tests.conftest import wait_until
from tests.plant import Plant
from tests.workers.house import ROOT
from workers import scripts
from workers.running import Ended, Program, run
from workers.tools import Tools


class Ear:
    """Keeps what is heard, and when."""

    def __init__(self) -> None:
        self.text, self.first_at = "", 0.0

    async def hear(self, text: str) -> None:
        self.text += text
        if self.text and not self.first_at:
            self.first_at = time.monotonic()


async def never() -> ScriptEnd | None:
    return None


def program(text: str, folder: Path, quiet_s: int = 60) -> Program:
    words = local(Script(["sh", "-c", text], ["greeting=hello; export greeting"], {}), quiet_s)
    return Program(words, {"PATH": os.environ["PATH"], "POMS_MARK": "m"}, folder)


async def ran(text: str, folder: Path, within_s: float = 30) -> tuple[Ended, str]:
    ear = Ear()
    return await run(program(text, folder), within_s, ear.hear, never), ear.text


async def test_it_runs_after_its_setup_and_its_exit_code_is_told(tmp_path: Path) -> None:
    ended, said = await ran('echo "$greeting"; echo wrong >&2; exit 3', tmp_path)
    assert (ended, said) == (Ended(ScriptEnd.EXITED, 3), "hello\nwrong\n")
    assert await ran("kill -9 $$", tmp_path) == (Ended(ScriptEnd.EXITED, 137), "")


async def test_what_can_not_be_started_says_so(tmp_path: Path) -> None:
    ear = Ear()
    for argv in (["/nowhere/ssh"], ["sh", "-c", "a\0b"]):
        ended = await run(Program(argv, {}, tmp_path), 30, ear.hear, never)
        assert ended == Ended(ScriptEnd.EXITED, 127)
    assert ear.text.count("can't be started") == 2


async def test_the_mark_is_given_to_condor_submit(tmp_path: Path) -> None:
    _, said = await ran('echo "$_CONDOR_SUBMIT_ATTRS $_CONDOR_POMS_MARK"', tmp_path)
    assert said == ' POMS_MARK POMS_SUBMISSION_ID "m"\n'


async def test_what_it_says_is_heard_while_it_runs(tmp_path: Path) -> None:
    ear, began = Ear(), time.monotonic()
    await run(program("echo now; sleep 4; echo then", tmp_path), 30, ear.hear, never)
    assert ear.text == "now\nthen\n"
    assert ear.first_at - began < time.monotonic() - began - 2


async def test_it_goes_on_as_long_as_its_worker_is_heard_of(tmp_path: Path) -> None:
    ear = Ear()
    ended = await run(program("sleep 5; echo done", tmp_path, quiet_s=3), 30, ear.hear, never)
    assert (ended, ear.text) == (Ended(ScriptEnd.EXITED, 0), "done\n")


async def test_bytes_that_are_no_text_come_through_as_text(tmp_path: Path) -> None:
    ended, said = await ran(r"printf 'a\377b\000c\303'; sleep 1; printf '\251\n'", tmp_path)
    assert (ended.exit_code, said) == (0, "a\ufffdb\ufffdcé\n")


@pytest.mark.parametrize("how", ["sleep 600", "trap '' TERM; while :; do sleep 1; done"])
async def test_one_that_takes_too_long_is_stopped_whatever_it_says_to_that(
    tmp_path: Path, how: str
) -> None:
    ended, said = await ran(f"echo $$; sleep 601 & {how}", tmp_path, within_s=1)
    assert ended == Ended(ScriptEnd.TIME_LIMIT, None)
    wait_until(lambda: not group(int(said)), what="the end of all of it")


async def test_what_it_leaves_in_the_background_ends_with_it(tmp_path: Path) -> None:
    ended, said = await ran("echo $$; sleep 600 & exit 0", tmp_path)
    assert ended == Ended(ScriptEnd.EXITED, 0)
    wait_until(lambda: not group(int(said)), what="the end of all of it")


async def test_it_is_stopped_when_somebody_wants_that(tmp_path: Path) -> None:
    ear, wanted = Ear(), list[ScriptEnd]()

    async def look() -> ScriptEnd | None:
        return wanted[0] if wanted else None

    task = asyncio.create_task(run(program("sleep 600", tmp_path), 60, ear.hear, look))
    await asyncio.sleep(0.2)
    wanted.append(ScriptEnd.REMOVAL)
    assert await task == Ended(ScriptEnd.REMOVAL, None)


def group(leader: int) -> list[int]:
    """What is alive of a process group."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[2]) == leader and fields[0] != "Z":
                found.append(int(path.parent.name))
    return found


PARENT = """
import asyncio, sys
from pathlib import Path
from tests.workers.test_running import Ear, never, program
from workers.running import run
asyncio.run(run(program(f"echo $$ > {sys.argv[1]}; sleep 600 & sleep 601", Path("/")), 60, Ear().hear, never))
"""


def test_it_dies_with_its_worker(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    worker = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(noted)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    wait_until(lambda: noted.exists() and noted.read_text().strip(), what="the script")
    leader = int(noted.read_text())
    wait_until(lambda: len(group(leader)) >= 2, what="what it starts")
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    wait_until(lambda: not group(leader), what="the end of all of it", within=10)


def test_it_ends_by_itself_when_its_worker_hangs(tmp_path: Path) -> None:
    pipe_read, pipe_write = os.pipe()
    given = program("sleep 600", tmp_path, quiet_s=1)
    process = subprocess.Popen(given.argv, stdin=pipe_read, start_new_session=True)
    os.close(pipe_read)
    assert process.wait(15) == 143
    os.close(pipe_write)


async def test_what_is_too_long_is_cut_in_its_middle_and_ids_in_it_are_found_nevertheless(
    db: Pool, tmp_path: Path
) -> None:
    attempt = await sent(db)
    following = scripts.Following(tools(db, tmp_path), attempt)
    lines = "".join(f"line {n}\n" for n in range(200_000))
    for at in range(0, len(lines), 100_000):
        await following.hear(lines[at : at + 100_000])
    await following.hear("1 job(s) submitted to cluster 17.\nbye\nunfinished")
    await following.hear("")
    await following.end()
    rows = await db.fetch("SELECT text FROM launch_output ORDER BY sequence")
    texts = [row["text"] for row in rows]
    assert all(len(text) <= 20_000 for text in texts)
    assert sum(map(len, texts)) < 1_050_000
    assert texts[0].startswith("line 0\nline 1\n")
    assert texts[-1].endswith("bye\nunfinished")
    (cut,) = [text for text in texts if "characters are left out here" in text]
    left_out = int(cut.split()[1])
    said = len(lines) + len("1 job(s) submitted to cluster 17.\nbye\nunfinished")
    assert 0 <= said - scripts.TAIL - left_out - scripts.MOST_KEPT <= scripts.MOST_PIECE
    assert [each.number for each in following.found] == ["17"]


async def nobody(*_: object) -> None:
    return None


def tools(db: Pool, folder: Path) -> Tools:
    return Tools(
        db=db,
        systems={},
        catalog=Embedded(folder),
        spool=folder,
        store=folder,
        holder="me",
        lease_s=1,
        launch_lease_s=1,
        ring=nobody,
        enqueue=nobody,
    )


async def sent(db: Pool) -> LaunchAttempt:
    plant = await Plant.make(db)
    stage = await plant.stage("gen", ["true"], kind="generator")
    outcome = await slices.launch_next(db, stage, Asked(plant.person_id))
    assert outcome.submission is not None
    await launches.claim(db, outcome.submission.id, "me", 60, 60)
    attempt = await launches.intend(db, outcome.submission.id, "me")
    assert attempt is not None
    assert attempt.state is LaunchState.INTENDED
    return attempt
