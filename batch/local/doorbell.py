"""What wakes the runner: a byte in a pipe, a signal, the end of a starter."""

import os
import select
import signal
import stat
from contextlib import suppress

from batch.local.folder import RunnerFolder


def ring_runner(folder: RunnerFolder) -> None:
    """Wake the runner if there is one; a ring that is lost costs a tick."""
    with suppress(OSError):
        fd = os.open(folder.bell, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(fd, b"!")
        finally:
            os.close(fd)


class RunnerDoorbell:
    """The runner's ear."""

    def __init__(self, folder: RunnerFolder) -> None:
        if os.path.exists(folder.bell) and not stat.S_ISFIFO(os.stat(folder.bell).st_mode):
            os.unlink(folder.bell)  # as a copy of the folder may have it: it would ring for ever
        with suppress(FileExistsError):
            os.mkfifo(folder.bell)
        # Open for writing too, so that it never ends when the last client leaves.
        self._bell = os.open(folder.bell, os.O_RDWR | os.O_NONBLOCK)
        self._woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._bell, select.POLLIN)
        self._poll.register(self._woken, select.POLLIN)
        self.is_stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.set_wakeup_fd(waker)

    def _stop(self, _number: int, _frame: object) -> None:
        self.is_stopping = True

    def watch(self, pidfd: int) -> None:
        """Wake also when this process ends."""
        self._poll.register(pidfd, select.POLLIN)

    def ignore(self, pidfd: int) -> None:
        """No longer wake for it."""
        self._poll.unregister(pidfd)

    def wait(self, most_s: float) -> list[int]:
        """Sleep until something happens; the processes that ended."""
        ready = [fd for fd, _ in self._poll.poll(most_s * 1000)]
        for fd in (self._bell, self._woken):
            if fd in ready:
                with suppress(BlockingIOError):
                    os.read(fd, 65536)
        return [fd for fd in ready if fd not in (self._bell, self._woken)]
