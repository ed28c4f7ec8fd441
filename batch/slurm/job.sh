#!/bin/sh
# Called by Slurm as `job.sh LAUNCHDIR BASE`: runs the payload in an empty folder, as the attempt of Slurm's own
# count of restarts, which the queue tells, too. Ends as the payload ended.
number=$(($2 + SLURM_ARRAY_TASK_ID))
attempt=$((${SLURM_RESTART_COUNT:-0} + 1))
PATH=/usr/local/bin:/usr/bin:/bin
export PATH
scratch=$(mktemp -d "${SLURM_TMPDIR:-${TMPDIR:-/tmp}}/poms.XXXXXXXX") && cd "$scratch" || exit 85
# The payload gets this signal, too: it is waited for.
trap : TERM
# The file system of the launch may be away for a while: its payload is waited for, and for no longer where it alone is
# missing. Once it is read it waits for the rest itself.
python3 -I -c '
import os, sys, time
until, missed = time.monotonic() + 300, 0
while True:
    try:
        with open(sys.argv[1] + "/payload.py", "rb") as file:
            text = file.read()
        break
    except OSError:
        missed = missed + 1 if os.path.isdir(sys.argv[1]) else 0
        if missed > 10 or time.monotonic() > until:
            raise
    time.sleep(0.5)
exec(compile(text, "payload.py", "exec"))
' "$1" "$number" "$attempt"
code=$?
cd / && rm -rf "$scratch"
if [ "$code" -gt 128 ]; then
  trap - TERM
  ulimit -c 0
  kill -"$((code - 128))" $$
fi
exit "$code"
