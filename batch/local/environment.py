"""What the runner and its jobs find in their environments: nothing that was not meant for them."""

import os
import sys
from collections.abc import Mapping

from batch.local.processes import MARK

_NAMES = ("PATH", "LANG", "TZ")
_OF_PYTHON = ("PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE")
_PATH = "/usr/local/bin:/usr/bin:/bin"


def _select_common_variables(env: Mapping[str, str]) -> dict[str, str]:
    return {n: v for n, v in env.items() if n in _NAMES or n.startswith("LC_")}


def leave_secrets() -> None:
    """Begin anew without the variables that are none of the runner's: /proc tells with which a process began."""
    env = {n: v for n, v in os.environ.items() if n in _OF_PYTHON} | _select_common_variables(
        os.environ
    )
    if env != dict(os.environ):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], env)  # noqa: S606 - no shell is wanted


def build_job_environment(folder: str, work: str, temporary: str) -> dict[str, str]:
    """The whole environment of an attempt in this folder; its home is its scratch folder."""
    own = {"HOME": work, "TMPDIR": temporary, MARK: folder}
    return {"PATH": _PATH} | _select_common_variables(os.environ) | own
