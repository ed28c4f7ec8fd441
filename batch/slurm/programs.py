"""Calls Slurm's programs, and tells what they could not do from what Slurm would not do."""

import re
import subprocess
from collections.abc import Sequence

from batch import BatchRefused, BatchUnavailable
from batch.slurm.access import Access

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
_MOST = 1000


class Programs:
    """Slurm's programs with this access."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def run(self, *words: str, passing: bool = False, **environment: str) -> str:
        """What the program says; with `passing`, that a job is over or gone is no fault."""
        done = self._done(words, environment)
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

    def _done(
        self, words: Sequence[str], environment: dict[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(  # noqa: S603 - Slurm's own programs, no shell
                words, env=self._access.environment() | environment, capture_output=True, text=True,
                errors="replace", stdin=subprocess.DEVNULL, timeout=self._access.call_s, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            raise BatchUnavailable(
                f"{words[0]} gave no answer within {late.timeout:.0f} s"
            ) from late
        except OSError as wrong:
            raise BatchUnavailable(f"{words[0]} can't be run: {wrong}") from wrong
