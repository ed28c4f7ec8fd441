"""A launch script while it runs: it is listened to, and stopped in time; it never outlives its worker."""

import asyncio
import codecs
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from domain.launching.launch_scripts import STOPPED_S
from domain.launching.launches import ScriptEnd

FLUSH_S, LOOK_S, LINGER_S, BEAT_S = 0.5, 0.1, 1.0, 1.0
MOST_AT_ONCE = 1 << 20
NOT_STARTED = 127
"""The exit code of what could not be started, as shells tell it."""
Hear = Callable[[str], Awaitable[None]]
"""Is told what was said since, every half second, also when that is nothing."""
Look = Callable[[], Awaitable[ScriptEnd | None]]
"""Says whether the script is to be stopped, and why."""


@dataclass(frozen=True, slots=True)
class ScriptProgram:
    """What is started; `feed` comes first on its stdin, which then is its lifeline."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    feed: bytes = b""


class ProgramEnd(NamedTuple):
    """How it ended; an exit code above 128 is a signal's, as shells tell it."""

    end: ScriptEnd
    exit_code: int | None


async def run_program(
    program: ScriptProgram, within_s: float, hear: Hear, look: Look
) -> ProgramEnd:
    """Run it to its end. Whatever happens here, nothing of it runs afterwards."""
    try:
        process = await asyncio.create_subprocess_exec(
            *program.argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(program.environment),
            cwd=program.folder,
            start_new_session=True,
            umask=0o077,
        )
    except (OSError, ValueError) as error:
        await hear(f"{program.argv[0]} can't be started: {error}\n")
        return ProgramEnd(ScriptEnd.EXITED, NOT_STARTED)
    assert process.stdin is not None  # noqa: S101 - it was asked for
    process.stdin.write(program.feed)
    reading = asyncio.create_task(_listen_to_output(process, hear))
    try:
        end = await _wait_for_end(process, within_s, look)
        process.stdin.close()
        await _wait_for_exit(process)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(reading), LINGER_S)
    finally:
        # Its supervisor does the rest, with or without us: it must not be killed before it has.
        process.stdin.close()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    code = process.returncode if end is ScriptEnd.EXITED else None
    return ProgramEnd(end, 128 - code if code is not None and code < 0 else code)


async def _wait_for_end(
    process: asyncio.subprocess.Process, within_s: float, look: Look
) -> ScriptEnd:
    """Wait until it has ended or is to be stopped. (`wait` would wait for all that hold its stdout, too.)"""
    clock = asyncio.get_running_loop().time
    until, look_at = clock() + within_s, 0.0
    while process.returncode is None:
        if clock() >= until:
            return ScriptEnd.TIME_LIMIT
        if clock() >= look_at:
            if wanted := await look():
                return wanted
            # Its supervisor wants to hear of us.
            assert process.stdin is not None  # noqa: S101 - it was asked for
            process.stdin.write(b"\n")
            look_at = clock() + BEAT_S
        await asyncio.sleep(LOOK_S)
    return ScriptEnd.EXITED


async def _wait_for_exit(process: asyncio.subprocess.Process) -> None:
    """Wait for the end of one whose lifeline is cut."""
    clock = asyncio.get_running_loop().time
    until = clock() + STOPPED_S + 2
    while process.returncode is None and clock() < until:  # noqa: ASYNC110 - as in `_wait_for_end`
        await asyncio.sleep(LOOK_S)


async def _listen_to_output(process: asyncio.subprocess.Process, hear: Hear) -> None:
    """Hand on what it says, as text: what is no UTF-8, and what no database takes, is replaced."""
    assert process.stdout is not None  # noqa: S101 - it was asked for
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    clock = asyncio.get_running_loop().time
    said, told_at, is_over = "", clock(), False
    try:
        while not is_over:
            with suppress(TimeoutError):
                chunk = await asyncio.wait_for(process.stdout.read(1 << 16), FLUSH_S)
                said += decoder.decode(chunk, not chunk).replace("\0", "\ufffd")
                is_over = not chunk
            if clock() - told_at >= FLUSH_S or len(said) > MOST_AT_ONCE:
                part, said = said, ""
                await hear(part)
                told_at = clock()
    finally:
        await asyncio.shield(hear(said))
