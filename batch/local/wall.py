"""The wall around local jobs: an account of each launch where the runner is root, and spaces where the kernel has them.

What can be had is tried out when the runner starts. Where there is neither, jobs are refused but for those of
experiments that a service admin allowed; nothing ever runs as root.
"""

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from batch import process_tree
from batch.local import accounts, spaces
from batch.local.accounts import AccountRange, JobAccount
from batch.payload.patience import PATIENCE_S, PAUSE_S

EXAMPLE = "hypot"
"""The experiment of examples/, whose jobs are this checkout's own."""
NOT_STARTED, MOST_SAID = 127, 2000


@dataclass(frozen=True, slots=True)
class JobView:
    """What one attempt needs of the machine's files."""

    work: str
    temporary: str
    root: str
    """An empty folder, where its file system is put together."""
    directory: str = ""
    """The launch directory."""
    store: str = ""
    """The launch's own folder in the store; empty: none."""
    folders: Sequence[str] = ()
    """What it may read, since its experiment may: the experiment's own folder in the store first."""
    unit: str = ""
    """The file of its order that names its inputs."""
    account: JobAccount | None = None

    @property
    def folder(self) -> str:
        """The experiment's own folder in the store; empty: none."""
        return self.folders[0] if self.folders else ""


class WallRefusal(NamedTuple):
    """Whose jobs alone run where there is no wall, and why others don't."""

    only: Sequence[str]
    why: str


class WalledProcess(NamedTuple):
    """A process behind the wall, still a child of who started it."""

    pid: int
    first: int | None
    """The first process of its space, with which all of the space ends."""
    report_fd: int

    def complaint(self) -> str:
        """Once it has ended: what kept it from becoming the program."""
        try:
            return os.read(self.report_fd, MOST_SAID).decode(errors="replace")
        except BlockingIOError:
            return ""


@dataclass(frozen=True, slots=True)
class Wall:
    """What is between a job and everything else."""

    accounts: AccountRange | None = None
    has_spaces: bool = False
    reads: Sequence[str] = ()
    """What all jobs may read besides the system's programs."""
    hides: Sequence[str] = ()
    """What no job sees, though it lies in what they may read."""
    unwalled: frozenset[str] = frozenset()
    """The experiments whose jobs run also where there is no wall."""
    lack: str = ""
    """Why there is no wall."""

    @property
    def is_there(self) -> bool:
        """Whether jobs of every experiment may run."""
        return self.accounts is not None or self.has_spaces

    @property
    def kind(self) -> str:
        """As `/readyz` says it, to everybody."""
        if self.accounts:
            return "accounts and namespaces" if self.has_spaces else "accounts"
        return "namespaces" if self.has_spaces else "none"

    def describe(self) -> str:
        """For who starts the runner."""
        lack = f" (more can't be had: {self.lack})" if self.lack else ""
        if self.is_there:
            return f"{self.kind}{lack}"
        whose = (
            "no job runs"
            if os.geteuid() == 0
            else f"only jobs of {', '.join(sorted(self.unwalled))} run"
        )
        return f"none, so that {whose}{lack}"

    @property
    def refusal(self) -> WallRefusal | None:
        """Whom it lets nothing run of; None: everybody's jobs run."""
        if self.is_there:
            return None
        if os.geteuid() == 0:
            why = f"Local jobs never run as root, and there is no account for them: {self.lack}."
            return WallRefusal([], why)
        why = (
            f"Local jobs can't be walled off here ({self.lack}), so that those of this experiment don't run:"
            " a service admin can allow them with POMS_LOCAL_UNWALLED (docs/operations.md)."
        )
        return WallRefusal(sorted(self.unwalled), why)

    def why_not(self, experiment: str) -> str | None:
        """Why jobs of an experiment don't run here, or nothing."""
        refusal = self.refusal
        return None if refusal is None or experiment in refusal.only else refusal.why

    def start(self, view: JobView, command: Sequence[str], env: Mapping[str, str]) -> WalledProcess:
        """Fork a process that becomes the command; raises OSError where that can't be behind the wall."""
        me, first = os.pidfd_open(os.getpid()), None
        if self.has_spaces:
            spaces.separate_processes()
            first = _fork_child(spaces.become_first_process, me)
        hear, say = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        pid = _fork_child(lambda: self._become(view, command, env, me), me, say)
        os.close(say)
        os.close(me)
        return WalledProcess(pid, first, hear)

    def _become(
        self, view: JobView, command: Sequence[str], env: Mapping[str, str], parent: int
    ) -> None:
        os.umask(0o022)
        if view.directory:
            _wait_for(view.directory)
        self._make_places(view)
        if self.has_spaces:
            self._show(view)
        if view.account:
            accounts.become_account(view.account)
        spaces.forbid_new_privileges()
        # Once more: another account has forgotten it.
        _exit_if_orphaned(parent)
        os.chdir(view.work)
        # Python ignores these, and what is ignored stays so through exec; so do blocked signals.
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.execve(command[0], [*command], env)  # noqa: S606 - no shell is what we want

    def _make_places(self, view: JobView) -> None:
        if view.account:
            accounts.give_scratch(view.account, view.work, view.temporary)
            if view.directory:
                accounts.give_launch_directory(view.account, view.directory)
        if view.store and view.folder:
            # Without room for it the job says itself that its outputs could not be stored.
            with suppress(OSError):
                os.makedirs(view.store, exist_ok=True)
                if view.account:
                    accounts.give_store(view.account, view.folder, view.store)
                    if not self.has_spaces:
                        accounts.allow_passage(os.path.dirname(view.folder))

    def _show(self, view: JobView) -> None:
        space = spaces.FileSpace(view.root)
        space.show_temporary(view.temporary)
        space.show_system()
        for path in (*_locate_python(), *self.reads):
            space.show(path)
        # Of the store's folder each experiment sees its own.
        space.hide([*self.hides, *([os.path.dirname(view.folder)] if view.folder else [])])
        for path in filter(None, (view.directory, *view.folders)):
            space.show(path)
        for path in _list_inputs_elsewhere(view):
            space.show(path)
        own = [view.temporary, view.work, view.store]
        own += [f"{view.directory}/{name}" for name in ("starts", "reports") if view.directory]
        for path in filter(None, own):
            space.show(path, writable=True)
        space.enter()


def _locate_python() -> list[str]:
    """Where the Python lies that runs payloads."""
    return [*dict.fromkeys((sys.base_prefix, sys.prefix))]


def _list_inputs_elsewhere(view: JobView) -> list[str]:
    """Its inputs that lie where files did before each experiment had a folder; what a link leads to is none."""
    try:
        with open(view.unit, encoding="utf-8") as file:
            files = json.load(file)["files"]
            paths = [str(each["path"]) for each in files if not each.get("is_elsewhere")]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # the payload says what is wrong with it
    shown = tuple(f"{folder}/" for folder in view.folders if folder)
    return [
        path
        for path in paths
        if not path.startswith(shown) and os.path.isfile(path) and os.path.realpath(path) == path
    ]


def _fork_child(become: Callable[[], object], parent: int, say: int | None = None) -> int:
    """Fork a process that ends with its parent; it says what keeps it from becoming what it is to be."""
    pid = os.fork()
    if pid:
        return pid
    try:
        _exit_if_orphaned(parent)
        become()
    except BaseException as wrong:
        if say is not None:
            os.write(say, str(wrong).encode("utf-8", "replace")[:MOST_SAID])
    finally:
        os._exit(NOT_STARTED)


def _exit_if_orphaned(parent: int) -> None:
    process_tree.set_parent_death_signal()
    if select.select([parent], [], [], 0)[0]:
        os._exit(NOT_STARTED)


def _wait_for(directory: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not os.path.isdir(f"{directory}/reports") and time.monotonic() < until:
        time.sleep(PAUSE_S)
