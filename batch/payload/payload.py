"""Runs one unit of work where a batch system started it, and reports what became of it.

Called as `python3 -I payload.py LAUNCHDIR NUMBER ATTEMPT [carried | -- COMMAND...]` in an empty scratch folder
(README.md). A command is run instead of the launch's. Carried: LAUNCHDIR is of this job alone, with its inputs in
it, and its outputs stay there.
All of this folder travels with the launch: standard library only, Python 3.9 or later.
"""

import sys

if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    from batch.payload.attempt import main

    sys.exit(main(*sys.argv[1:]))
