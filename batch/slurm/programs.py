"""Calls Slurm's programs, and tells what they could not do from what Slurm would not do."""

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from batch import BatchRefused, BatchUnavailable
from batch.slurm.access import SlurmAccess

_AWAY = re.compile(
    r"unable to contact|timed out|connection (refused|reset|timed)|temporarily|try again|zero bytes"
    r"|communication|transport endpoint|standby|unexpected message|munge|can't be reached|no route"
    r"|protocol authentication|unable to (connect|resolve)|controller",
    re.IGNORECASE,
)
_GONE = re.compile(
    r"invalid job id|already completing or completed|already finished", re.IGNORECASE
)
_SAID = re.compile(r"^[a-z_]+: (?:error: )?", re.MULTILINE)
_MOST, _DEATH_S = 1000, 5.0


class SlurmPrograms:
    """Slurm's programs with this access."""

    def __init__(self, access: SlurmAccess) -> None:
        self._access = access

    def run(self, *words: str, passing: bool = False, **environment: str) -> str:
        """What the program says; with `passing`, that a job is over or gone is no fault."""
        done = self._run_process(words, environment)
        if done.returncode == 0:
            return done.stdout
        said = (
            _SAID.sub("", done.stderr.strip())[-_MOST:]
            or f"{words[0]} ended with {done.returncode}"
        )
        if done.returncode < 0 or _AWAY.search(said):
            raise BatchUnavailable(f"Slurm: {said}")
        if passing and all(_GONE.search(line) for line in said.splitlines()):
            return done.stdout
        raise BatchRefused(said)

    def _run_process(
        self, words: Sequence[str], environment: dict[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        try:
            process = subprocess.Popen(  # noqa: S603 - Slurm's own programs, no shell
                words, env=self._access.environment() | environment, text=True, errors="replace",
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True,
            )  # fmt: skip
        except OSError as wrong:
            raise BatchUnavailable(f"{words[0]} can't be run: {wrong}") from wrong
        try:
            said, complained = process.communicate(timeout=self._access.call_s)
        except subprocess.TimeoutExpired as late:
            raise BatchUnavailable(
                f"{words[0]} gave no answer within {late.timeout:.0f} s"
            ) from late
        finally:
            _kill_process_group(process)
        return subprocess.CompletedProcess(words, process.returncode, said, complained)


def _kill_process_group(process: "subprocess.Popen[str]") -> None:
    """Kill what has not ended with all that it has started; who waits for a file server may not die.

    What was not waited for keeps its number, so that nobody else has it.
    """
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_DEATH_S)
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()
