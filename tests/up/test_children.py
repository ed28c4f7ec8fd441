"""Children die with the process that started them, whatever kills it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.up.stub_checkout import ROOT, wait_until
from up import children

PARENT = """
import sys, time
from up.children import spawn_process
child = spawn_process([sys.executable, "-c", "import time; time.sleep(300)"])
print(child.pid, flush=True)
time.sleep(300)
"""


def test_a_child_dies_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent, parent.stdout:
        child = int(parent.stdout.readline())
        os.kill(parent.pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{child}").exists(), within=5)


def test_a_program_that_is_not_there_says_so() -> None:
    child = children.spawn_process(["/no/such/program"], err=subprocess.PIPE)
    assert child.communicate()[1] == b"/no/such/program: No such file or directory\n"
    assert child.returncode == 127


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes who it is")
def test_root_can_start_a_child_as_somebody_else() -> None:
    who = children.find_run_account()
    assert who is not None
    child = children.spawn_process(["/usr/bin/id", "-u"], out=subprocess.PIPE, run_as=who)
    assert child.communicate()[0].decode().strip() == str(who.uid)
