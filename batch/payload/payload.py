"""Runs one unit of work where a batch system started it, and reports what became of it.

Called as `python3 -I payload.py LAUNCHDIR NUMBER ATTEMPT [carried | -- COMMAND...]` in an empty scratch folder
(README.md). A command is run instead of the launch's. Carried: LAUNCHDIR is of this job alone, with its inputs in
it, and its outputs stay there.
All of this folder travels with the launch: standard library only, Python 3.9 or later.
"""

import importlib
import os
import sys
import time
from typing import Any

PATIENCE_S = 300.0
"""As `patience.py` has it, which may be away."""
MISSED = 10
"""So often in a row this folder may be missing where the launch directory is there: then it alone is gone."""


def load_payload() -> Any:
    """The rest of this folder, which is waited for while its file system is away."""
    # Written into a launch directory that has just gone away, bytecode would make it anew, and empty.
    sys.dont_write_bytecode = True
    until, missed = time.monotonic() + PATIENCE_S, 0
    while True:
        try:
            return importlib.import_module("batch.payload.attempt")
        except (ImportError, OSError):
            # Where it comes and goes, one look at the directory says nothing of the next.
            missed = missed + 1 if os.path.isdir(sys.argv[1]) else 0
            if missed > MISSED or time.monotonic() > until:
                raise
        time.sleep(0.5)
        importlib.invalidate_caches()


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    sys.exit(load_payload().main(*sys.argv[1:]))
