"""What a launch script says while it runs, and that nothing of it outlives its time or its worker."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from catalogs.embedded import EmbeddedCatalog
from db.launching import launches, slices
from db.launching.launches import LaunchAttempt
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from domain.launching.launch_scripts import LaunchScript, build_local_command
from domain.launching.launches import LaunchState, ScriptEnd
from domain.masking import StreamMasker
from tests.conftest import wait_until
from tests.factories import Factory
from tests.workers.house import ROOT
from workers import script_output
from workers.running import ProgramEnd, ScriptProgram, run_program
from workers.script_output import ScriptOutput
from workers.scripts import SUPERVISOR
from workers.tools import WorkerTools


class Ear:
    """Keeps what is heard, and says by a file that something was."""

    def __init__(self, answer: Path | None = None) -> None:
        self.text, self.answer = "", answer

    async def hear(self, text: str) -> None:
        self.text += text
        if self.text and self.answer:
            self.answer.touch()


async def do_nothing() -> ScriptEnd | None:
    return None


def make_program(text: str, folder: Path, quiet_s: int = 60) -> ScriptProgram:
    script = LaunchScript(["sh", "-c", text], ["greeting=hello; export greeting"], {})
    words = build_local_command(script, [sys.executable, "-I", str(SUPERVISOR)], quiet_s)
    return ScriptProgram(words, {"PATH": os.environ["PATH"], "POMS_MARK": "m"}, folder)


async def run_text(text: str, folder: Path, within_s: float = 30) -> tuple[ProgramEnd, str]:
    ear = Ear()
    return await run_program(make_program(text, folder), within_s, ear.hear, do_nothing), ear.text


async def test_it_runs_after_its_setup_and_its_exit_code_is_told(tmp_path: Path) -> None:
    ended, said = await run_text('echo "$greeting"; echo wrong >&2; exit 3', tmp_path)
    assert (ended, said) == (ProgramEnd(ScriptEnd.EXITED, 3), "hello\nwrong\n")
    assert await run_text("kill -9 $$", tmp_path) == (ProgramEnd(ScriptEnd.EXITED, 137), "")


async def test_what_can_not_be_started_says_so(tmp_path: Path) -> None:
    ear = Ear()
    for argv in (["/nowhere/ssh"], ["sh", "-c", "a\0b"]):
        ended = await run_program(ScriptProgram(argv, {}, tmp_path), 30, ear.hear, do_nothing)
        assert ended == ProgramEnd(ScriptEnd.EXITED, 127)
    assert ear.text.count("can't be started") == 2


async def test_a_parameter_may_name_the_sandbox_and_nothing_else_of_a_shell(tmp_path: Path) -> None:
    ear, folder = Ear(), str(tmp_path / "a & b")
    given = ["$UPLOADS/x.cfg", "-c$UPLOADS", "$HOME $(id) `id` *"]
    script = LaunchScript(["printf", "%s\\n", *given], [], {})
    words = build_local_command(script, [sys.executable, "-I", str(SUPERVISOR)], 60)
    variables = {"PATH": os.environ["PATH"], "UPLOADS": folder}
    await run_program(ScriptProgram(words, variables, tmp_path), 30, ear.hear, do_nothing)
    assert ear.text.splitlines() == [f"{folder}/x.cfg", f"-c{folder}", given[2]]


async def test_the_mark_is_given_to_condor_submit(tmp_path: Path) -> None:
    _, said = await run_text('echo "$_CONDOR_SUBMIT_ATTRS $_CONDOR_POMS_MARK"', tmp_path)
    assert said == ' POMS_MARK POMS_SUBMISSION_ID "m"\n'


async def test_what_it_says_is_heard_while_it_runs(tmp_path: Path) -> None:
    ear = Ear(tmp_path / "heard")
    text = "echo now; until [ -e heard ]; do sleep 0.05; done; echo then"
    ended = await run_program(make_program(text, tmp_path), 60, ear.hear, do_nothing)
    assert (ear.text, ended.exit_code) == ("now\nthen\n", 0)


async def test_it_goes_on_as_long_as_its_worker_is_heard_of(tmp_path: Path) -> None:
    ear = Ear()
    ended = await run_program(
        make_program("sleep 5; echo done", tmp_path, quiet_s=3), 30, ear.hear, do_nothing
    )
    assert (ended, ear.text) == (ProgramEnd(ScriptEnd.EXITED, 0), "done\n")


async def test_bytes_that_are_no_text_come_through_as_text(tmp_path: Path) -> None:
    ended, said = await run_text(r"printf 'a\377b\000c\303'; sleep 1; printf '\251\n'", tmp_path)
    assert (ended.exit_code, said) == (0, "a\ufffdb\ufffdcé\n")


@pytest.mark.parametrize("how", ["sleep 600", "trap '' TERM; while :; do sleep 1; done"])
async def test_one_that_takes_too_long_is_stopped_whatever_it_says_to_that(
    tmp_path: Path, how: str
) -> None:
    ended, said = await run_text(f"echo $$; sleep 601 & {how}", tmp_path, within_s=1)
    assert ended == ProgramEnd(ScriptEnd.TIME_LIMIT, None)
    wait_until(lambda: not list_group(int(said)), what="the end of all of it")


async def test_what_it_leaves_in_the_background_ends_with_it(tmp_path: Path) -> None:
    ended, said = await run_text("echo $$; sleep 600 & exit 0", tmp_path)
    assert ended == ProgramEnd(ScriptEnd.EXITED, 0)
    leader, *more = said.split("\n", 1)
    assert more == ["\n[POMS] 1 process that it left had to be ended: sleep\n"]
    assert not list_group(int(leader))


async def test_it_is_stopped_when_somebody_wants_that(tmp_path: Path) -> None:
    ear, wanted = Ear(), list[ScriptEnd]()

    async def look() -> ScriptEnd | None:
        return wanted[0] if wanted else None

    task = asyncio.create_task(run_program(make_program("sleep 600", tmp_path), 60, ear.hear, look))
    await asyncio.sleep(0.2)
    wanted.append(ScriptEnd.REMOVAL)
    assert await task == ProgramEnd(ScriptEnd.REMOVAL, None)


def list_group(leader: int) -> list[int]:
    """What is alive of a process group."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            fields = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == leader and fields[0] != "Z":
                found.append(int(pid))
    return found


PARENT = """
import asyncio, sys
from pathlib import Path
from tests.workers.test_running import Ear, do_nothing, make_program
from workers.running import run_program
program = make_program(f"echo $$ > {sys.argv[1]}; sleep 600 & sleep 601", Path("/"))
asyncio.run(run_program(program, 60, Ear().hear, do_nothing))
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
    wait_until(lambda: len(list_group(leader)) >= 2, what="what it starts")
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    wait_until(lambda: not list_group(leader), what="the end of all of it", within=10)


def test_it_ends_by_itself_when_its_worker_hangs(tmp_path: Path) -> None:
    pipe_read, pipe_write = os.pipe()
    given = make_program("sleep 600", tmp_path, quiet_s=1)
    process = subprocess.Popen(given.argv, stdin=pipe_read, start_new_session=True)
    os.close(pipe_read)
    assert process.wait(15) == 143
    os.close(pipe_write)


async def test_what_is_too_long_is_cut_in_its_middle_and_ids_in_it_are_found_nevertheless(
    db: Pool, tmp_path: Path
) -> None:
    attempt = await make_sent_attempt(db)
    following = ScriptOutput(make_tools(db, tmp_path), attempt, StreamMasker(()))
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
    assert (
        0
        <= said - script_output.TAIL - left_out - script_output.MOST_KEPT
        <= script_output.MOST_PIECE
    )
    assert [each.number for each in following.cluster_ids] == ["17"]


async def ignore_ring(*_: object) -> None:
    return None


def make_tools(db: Pool, folder: Path) -> WorkerTools:
    return WorkerTools(
        db=db,
        systems={},
        catalog=EmbeddedCatalog(),
        spool=folder,
        store=folder,
        holder="me",
        lease_s=1,
        launch_lease_s=1,
        ring=ignore_ring,
        enqueue=ignore_ring,
    )


async def make_sent_attempt(db: Pool) -> LaunchAttempt:
    plant = await Factory.make(db)
    stage = await plant.stage("gen", ["true"], kind="generator")
    outcome = await slices.launch_next(db, stage, LaunchRequest(plant.person_id))
    assert outcome.submission is not None
    await launches.claim_submission(db, outcome.submission.id, "me", 60, 60)
    attempt = await launches.begin_attempt(db, outcome.submission.id, "me")
    assert attempt is not None
    assert attempt.state is LaunchState.INTENDED
    return attempt
