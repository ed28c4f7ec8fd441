"""What wall can be had: each is tried with a real process when the runner starts."""

import os
import select
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from batch import process_tree
from batch.local import accounts, attempts
from batch.local.accounts import AccountRange
from batch.local.folder import RunnerFolder
from batch.local.wall import MOST_SAID, JobView, Wall

PROBE_S = 30.0


def find_wall(folder: RunnerFolder, wanted: Wall, ids: str) -> Wall:
    """The best wall that can be had here; without any, what is lacking."""
    range_ = AccountRange(ids) if os.geteuid() == 0 else None
    if range_:
        accounts.close_queue(folder)
    lack: list[str] = []
    for wall in _list_wall_choices(replace(wanted, accounts=range_)):
        if range_ and not wall.has_spaces:
            accounts.allow_passage(os.path.dirname(folder.root))
        said = _try_wall(wall, f"{folder.scratch}/.probe")
        if not said:
            return replace(wall, lack="; ".join(lack))
        lack.append(said)
    return replace(wanted, lack="; ".join(lack))


def _list_wall_choices(wall: Wall) -> Sequence[Wall]:
    with_spaces = replace(wall, has_spaces=True)
    return [with_spaces, wall] if wall.accounts else [with_spaces]


def _try_wall(wall: Wall, place: str) -> str:
    """Run a Python behind it; what is wrong, or nothing."""
    attempts.clean_attempt(place, keep_log=False)
    view = JobView(f"{place}/work", f"{place}/temporary", f"{place}/root")
    for path in (place, view.work, view.temporary, view.root):
        os.mkdir(path)
    if wall.accounts:
        view = replace(view, account=wall.accounts.find(0, 0))
    hear, say = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become_probe(wall, view, say)
    os.close(say)
    ready = select.select([hear], [], [], PROBE_S)[0]
    said = os.read(hear, MOST_SAID).decode(errors="replace") if ready else "it takes too long"
    os.close(hear)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    attempts.clean_attempt(place, keep_log=False)
    return said


def _become_probe(wall: Wall, view: JobView, say: int) -> None:
    said = "it can't be tried"
    try:
        process_tree.set_parent_death_signal()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        started = wall.start(view, [sys.executable, "-I", "-c", ""], {})
        _, status = os.waitpid(started.pid, 0)
        said = started.complaint() or (f"a Python ended with {status}" if status else "")
    except OSError as wrong:
        said = str(wrong)
    finally:
        os.write(say, said.encode("utf-8", "replace")[:MOST_SAID])
        os._exit(0)
