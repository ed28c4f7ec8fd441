"""Keep programs running: what dies is started again, what is told to stop stops in order.

One thread that sleeps in the kernel until a child ends, a signal comes or a time is due.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from up.logs import measure_log, open_log, read_last_lines, rotate_log, trim_log

_PR_SET_CHILD_SUBREAPER = 36
_STOPPING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
_AWAITED = _STOPPING | {signal.SIGCHLD}
_FIRST_PAUSE, _LONGEST_PAUSE, _SETTLED = 0.5, 30.0, 60.0
_HOUSEKEEPING = 60.0

Process = subprocess.Popen[bytes]
Start = Callable[[int], Process]


class StopRequested(BaseException):
    """Somebody wants everything to stop: like KeyboardInterrupt, no error."""


@dataclass(slots=True)
class SupervisedService:
    """One program that is to run for as long as we do."""

    name: str
    start: Start
    """Starts it, writing to the given descriptor."""
    log: Path
    stop: signal.Signals = signal.SIGTERM
    patience: float = 10.0
    """How long it may take to stop before it is killed."""
    process: Process | None = None
    started: float = 0.0
    pause: float = _FIRST_PAUSE
    again: float | None = None
    """When to start it again."""
    deaths: int = 0
    log_from: int = 0

    def run(self) -> Process:
        """Start it now."""
        descriptor = open_log(self.log)
        self.log_from = measure_log(self.log)
        try:
            self.process = self.start(descriptor)
        finally:
            os.close(descriptor)
        self.started, self.again = time.monotonic(), None
        return self.process

    def bury(self) -> str:
        """Note that it ended, and say so."""
        status = self.process.returncode if self.process else None
        self.process = None
        self.deaths += 1
        if time.monotonic() - self.started > _SETTLED:
            self.pause = _FIRST_PAUSE
        self.again = time.monotonic() + self.pause
        sentence = (
            f"{self.name} ended ({_describe_status(status)}); it starts again in {self.pause:g} s."
        )
        self.pause = min(self.pause * 2, _LONGEST_PAUSE)
        return sentence

    def last_words(self) -> list[str]:
        """Read the end of what it said since it was started."""
        return read_last_lines(self.log, self.log_from)


def _describe_status(status: int | None) -> str:
    if status is None or status >= 0:
        return f"exit code {status}"
    return signal.Signals(-status).name


@dataclass(slots=True)
class ServiceSupervisor:
    """The services in the order in which they were started."""

    say: Callable[[str], None]
    services: list[SupervisedService] = field(default_factory=list)
    _others: dict[int, Process] = field(default_factory=dict)

    def __enter__(self) -> "ServiceSupervisor":
        signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
        # What a child of ours leaves behind becomes our child: nothing is left running.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop_everything()

    def add(self, service: SupervisedService) -> SupervisedService:
        """Start a service and keep it running from now on."""
        rotate_log(service.log)
        self.services.append(service)
        service.run()
        return service

    def forever(self) -> None:
        """Keep everything running until somebody wants it to stop."""
        while True:
            self.wait(_HOUSEKEEPING)

    def until(self, condition: Callable[[], object], *, within: float, every: float = 0.05) -> bool:
        """Keep everything running until a condition holds; say whether it came to hold in time."""
        deadline = time.monotonic() + within
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.wait(every)
        return True

    def finish(self, process: Process, *, within: float | None = None) -> int | None:
        """Keep everything running until a program that is no service has ended.

        It is killed, and the answer is None, when it takes longer than that.
        """
        self._others[process.pid] = process
        try:
            bound = 10**9 if within is None else within
            self.until(lambda: process.returncode is not None, within=bound, every=60)
            return process.returncode
        finally:
            self._end(process, signal.SIGTERM, 5)
            del self._others[process.pid]

    def wait(self, seconds: float) -> None:
        """Sleep until a child ends, a restart is due or the time is over."""
        due = [service.again - time.monotonic() for service in self.services if service.again]
        received = _wait_for_signal(min([seconds, *due]))
        if received in _STOPPING:
            raise StopRequested
        for service in self._reap_ended():
            self.say("\n".join([service.bury(), *(f"    {w}" for w in service.last_words())]))
        for service in self.services:
            trim_log(service.log)
            if service.again is not None and service.again <= time.monotonic():
                self._restart(service)

    def _restart(self, service: SupervisedService) -> None:
        try:
            service.run()
        except OSError as error:
            self.say(f"{service.name} could not be started ({error.strerror}).")
            service.bury()

    def _reap_ended(self) -> Iterable[SupervisedService]:
        self._reap()
        return [s for s in self.services if s.process and s.process.returncode is not None]

    def _reap(self) -> None:
        running = [service.process for service in self.services if service.process]
        ours = {process.pid: process for process in running} | self._others
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            if ended.si_pid in ours:
                ours[ended.si_pid].wait()
            else:
                os.waitpid(ended.si_pid, 0)

    def _stop_everything(self) -> None:
        for service in reversed(self.services):
            if service.process is not None:
                self._end(service.process, service.stop, service.patience)
        for wanted in (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL):
            left = _list_children()
            for pid in left:
                _send_signal(pid, wanted)
            self._pause_while(lambda: set(_list_children()), 3 if left else 0)

    def _end(self, process: Process, wanted: signal.Signals, patience: float) -> None:
        for sent, bound in ((wanted, patience), (signal.SIGKILL, 5)):
            if process.returncode is None:
                _send_signal(process.pid, sent)
                self._pause_while(lambda: process.returncode is None, bound)

    def _pause_while(self, condition: Callable[[], object], bound: float) -> None:
        deadline = time.monotonic() + bound
        self._reap()
        while condition() and time.monotonic() < deadline:
            if _wait_for_signal(0.5) in _STOPPING:
                deadline = min(deadline, time.monotonic() + 0.5)
            self._reap()


def _wait_for_signal(seconds: float) -> int | None:
    received = signal.sigtimedwait(_AWAITED, max(0.0, seconds))
    return None if received is None else received.si_signo


def _send_signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _list_children() -> list[int]:
    """List our children, adopted ones too, that have not ended."""
    found = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(pid) for pid in found.read_text().split()] if found.exists() else []
