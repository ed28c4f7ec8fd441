"""Runs commands and keeps what they say."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from typing import Iterable  # noqa: UP035 - as Python 3.9 has it

NOT_FOUND, NOT_EXECUTABLE = 127, 126
SHORTEST_SECRET = 6
LOG_BYTES, TAIL_CHARACTERS = 10_000_000, 4_000
LINGER_S, GRACE_S = 1.0, 1.0


class PayloadStopped(Exception):
    """The batch system asked us to end."""


class CommandLog:
    """What the command said: a file that is cut at 10 MB, and the end of it for the report."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 - lives as long as the job
        self._room, self._end = LOG_BYTES, b""

    def write(self, piece: bytes) -> None:
        """Take a piece in."""
        self._end = (self._end + piece)[-4 * TAIL_CHARACTERS :]
        if self._room:
            self._file.write(piece[: self._room])
            self._room = max(0, self._room - len(piece))
            self._file.write(b"" if self._room else b"\n[payload: the log is cut here]\n")

    def note(self, text: str) -> None:
        """Say something of our own."""
        self.write(f"[payload: {text}]\n".encode("utf-8", "replace"))

    def tail(self, secrets: Iterable[str] = ()) -> str:
        """The last characters, readable whatever the bytes were, without secrets that are long enough to be told."""
        text = self._end.decode("utf-8", "replace")
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "***") if len(secret) >= SHORTEST_SECRET else text
        return text[-TAIL_CHARACTERS:]


def _follow_child(child: subprocess.Popen[bytes], log: CommandLog) -> int:
    # What it leaves behind in the background may hold the pipe open: that is not waited for.
    pipe, until = child.stdout.fileno() if child.stdout else -1, float("inf")
    while time.monotonic() < until:
        if child.poll() is not None:
            until = min(until, time.monotonic() + LINGER_S)
        if select.select([pipe], [], [], 0.1)[0]:
            if not _pass_piece(pipe, log):
                break
        elif child.returncode is not None:
            break
    return child.wait()


def _pass_piece(pipe: int, log: CommandLog) -> bytes:
    # Who is asked to end in between would have read what nobody wrote down.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        piece = os.read(pipe, 1 << 16)
        log.write(piece)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    return piece


def run_command(command: list[str], env: dict[str, str], log: CommandLog) -> int:
    """Run a command as a list, never through a shell; negative: the signal that ended it."""
    try:
        child = subprocess.Popen(  # noqa: S603 - running what was ordered is what we are for
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError as wrong:
        log.note(f"can't run {command[0]}: {wrong.strerror}")
        return NOT_FOUND if isinstance(wrong, FileNotFoundError) else NOT_EXECUTABLE
    try:
        return _follow_child(child, log)
    except PayloadStopped:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_S)
        child.kill()
        # What it had said by then is worth having, too.
        _follow_child(child, log)
        raise
