"""The supervisor, apart from what it runs for us."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.up.stub_checkout import ROOT, wait_until

PROGRAM = """
import sys
from pathlib import Path
from up.children import spawn_process
from up.supervise import ServiceSupervisor, StopRequested, SupervisedService

folder = Path(sys.argv[1])
scripts = {"stubborn": '''
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open("stubborn.pid", "w").write(str(os.getpid()))
time.sleep(300)
''', "hasty": 'import sys; sys.exit("I can do no more")', "polite": '''
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: (print("goodbye", flush=True), os._exit(0)))
print("hello", flush=True)
time.sleep(300)
'''}
def service(name):
    argv = [sys.executable, "-c", scripts[name]]
    return SupervisedService(
        name, lambda log: spawn_process(argv, cwd=folder, out=log, err=log), folder / f"{name}.log",
        patience=0.5,
    )
def say(sentence): print(sentence, flush=True)
with ServiceSupervisor(say) as supervisor:
    for name in sys.argv[2:]:
        supervisor.add(service(name))
    try:
        supervisor.forever()
    except StopRequested:
        say("stopping")
say("stopped")
"""


def start_supervisor(folder: Path, *names: str) -> subprocess.Popen[bytes]:
    with (folder / "said").open("wb") as said:
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), *names],
            cwd=ROOT,
            stdout=said,
            stderr=said,
        )


def test_what_keeps_dying_is_started_ever_more_seldom(tmp_path: Path) -> None:
    said = tmp_path / "said"
    with start_supervisor(tmp_path, "hasty") as process:
        wait_until(lambda: "again in 2 s" in said.read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    once = "hasty ended (exit code 1); it starts again in {} s.\n    I can do no more\n"
    deaths = "".join(once.format(pause) for pause in ("0.5", "1", "2"))
    assert said.read_text() == f"{deaths}stopping\nstopped\n"


def test_what_does_not_stop_is_killed_and_the_others_may_say_goodbye(tmp_path: Path) -> None:
    with start_supervisor(tmp_path, "polite", "stubborn") as process:
        wait_until((tmp_path / "stubborn.pid").exists)
        wait_until(lambda: (tmp_path / "polite.log").read_text() == "hello\n")
        wait_until((tmp_path / "stubborn.pid").read_text)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
    assert not Path("/proc", (tmp_path / "stubborn.pid").read_text()).exists()
    assert (tmp_path / "polite.log").read_text() == "hello\ngoodbye\n"


def test_it_sleeps_when_there_is_nothing_to_do(tmp_path: Path) -> None:
    with start_supervisor(tmp_path, "polite") as process:
        log = tmp_path / "polite.log"
        wait_until(lambda: log.exists() and log.read_text() == "hello\n")
        wait_until(lambda: read_state(process.pid) == "S")
        before = count_switches(process.pid)
        os.kill(process.pid, signal.SIGCHLD)
        wait_until(lambda: count_switches(process.pid) > before)
        # Woken once by that signal; anything near this many would be polling.
        assert count_switches(process.pid) - before < 10
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


def read_state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def count_switches(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt"))
