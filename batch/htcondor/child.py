"""The child in which HTCondor's bindings work: started when it is needed, killed when it does not answer."""

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from batch import BatchRefused, BatchUnavailable
from batch.htcondor.access import HTCondorAccess

_PROGRAM = (
    f"import sys; sys.path.append({str(Path(__file__).parent)!r})\n"
    "from bindings.answers import main; main()"
)
_KEPT = ("PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR")
_SAID, _DEATH_S = 2000, 5.0
_NO_SESSION = b"SECMAN:2004"
"""The first question to a schedd that was restarted is refused: it does not know our session any more."""


class BindingsChild:
    """One child for one access; its calls come one after the other."""

    def __init__(
        self,
        access: HTCondorAccess,
        call_s: float | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """`more`: configuration besides that of the access, such as another token."""
        self._access, self._lock, self._more = access, threading.Lock(), more or {}
        self._call_s = access.call_s if call_s is None else min(call_s, access.call_s)
        self._process: subprocess.Popen[bytes] | None = None

    def call(self, call: str, more_s: float = 0.0, **given: object) -> Any:
        """Ask, and wait for the answer as long as it may take, and `more_s`. Blocks."""
        within_s = self._call_s + more_s
        until = time.monotonic() + within_s
        if not self._lock.acquire(timeout=within_s):
            raise BatchUnavailable(f"HTCondor: busy for {within_s:.0f} s with other calls")
        try:
            asked = {"call": call, "schedd": self._access.schedd, **given}
            line = self._ask(json.dumps(asked).encode() + b"\n", until)
            if _NO_SESSION in line and call != "submit":
                line = self._ask(json.dumps(asked).encode() + b"\n", until)
        except (OSError, EOFError) as wrong:
            self._end()
            raise BatchUnavailable(f"HTCondor at {self._access.collector}: {wrong}") from wrong
        finally:
            self._lock.release()
        return self._understood(json.loads(line))

    def _understood(self, told: dict[str, Any]) -> Any:
        if "refused" in told:
            raise BatchRefused(told["refused"][:_SAID])
        if "failed" in told:
            text = " ".join(told["failed"].split())[:_SAID]
            raise BatchUnavailable(f"HTCondor at {self._access.collector}: {text}")
        return told["said"]

    def _ask(self, line: bytes, until: float) -> bytes:
        process = self._start_child()
        assert process.stdin  # noqa: S101 - it was asked for
        assert process.stdout  # noqa: S101
        asking, answering = process.stdin.fileno(), process.stdout.fileno()
        while line:
            self._wait(asking, selectors.EVENT_WRITE, until)
            line = line[os.write(asking, line) :]
        answer = b""
        while not answer.endswith(b"\n"):
            self._wait(answering, selectors.EVENT_READ, until)
            part = os.read(answering, 1 << 16)
            if not part:
                raise EOFError(_explain_end(process))
            answer += part
        return answer

    def _wait(self, fd: int, ready: int, until: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(fd, ready)
            if not selector.select(max(0.0, until - time.monotonic())):
                raise TimeoutError("no answer in time")

    def _start_child(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            env = {name: os.environ[name] for name in _KEPT if name in os.environ}
            env |= {"CONDOR_CONFIG": "ONLY_ENV", **self._access.environment(), **self._more}
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-I", "-c", _PROGRAM],
                env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
            assert self._process.stdin  # noqa: S101
            os.set_blocking(self._process.stdin.fileno(), False)
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            _kill_process_group(process)
            with suppress(subprocess.TimeoutExpired):  # who waits for a file server may not die
                process.wait(_DEATH_S)
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    if pipe:
                        pipe.close()

    def close(self) -> None:
        """End the child, whatever it does: a call that waits for it fails at once."""
        process = self._process
        if process is not None:
            _kill_process_group(process)
        if self._lock.acquire(timeout=_DEATH_S):
            try:
                self._end()
            finally:
                self._lock.release()


def _kill_process_group(process: subprocess.Popen[bytes]) -> None:
    """End it with all that it has started; whose end is known, its number may be another's."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _explain_end(process: subprocess.Popen[bytes]) -> str:
    code = None
    with suppress(subprocess.TimeoutExpired):
        code = process.wait(_DEATH_S)
    return f"the bindings ended with {code}; are they installed? pip install 'poms[htcondor]'"
