"""Run a command of the operators: as arguments, never through a shell, for a bounded time."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MOST_OUTPUT = 64 * 1024
GRACE_S = 5.0
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "KRB5CCNAME", "KRB5_CONFIG")
"""What a command sees of our environment: no secret of the service is among it."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command said, and why it counts as failed."""

    output: str
    failed: str


async def run_command(argv: Sequence[str], place: Path, within_s: float) -> CommandResult:
    """Run it; where a credential is to lie it finds in the variables that such commands know."""
    told = dict.fromkeys(("POMS_CREDENTIAL", "BEARER_TOKEN_FILE", "X509_USER_PROXY"), str(place))
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={name: os.environ[name] for name in KEPT if name in os.environ} | told,
            cwd="/",
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return CommandResult("", f"The command can't be started: {error}")
    kept = OutputTail()
    failed = f"The command did not end within {within_s:.0f} s."
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                code = await kept.follow(process)
                failed = f"The command ended with {code}." if code else ""
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    return CommandResult(kept.text, failed)


class OutputTail:
    """The end of what a process says."""

    def __init__(self) -> None:
        self._kept, self._cut = b"", False

    async def follow(self, process: asyncio.subprocess.Process) -> int:
        """Read until it ends; returns how."""
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        while chunk := await process.stdout.read(MOST_OUTPUT):
            said = self._kept + chunk
            self._cut |= len(said) > MOST_OUTPUT
            self._kept = said[-MOST_OUTPUT:]
        return await process.wait()

    @property
    def text(self) -> str:
        """As text; a line that the bound has cut is left out, for it may hide what would be recognised."""
        text = self._kept.decode(errors="replace")
        return text.partition("\n")[2] if self._cut else text
