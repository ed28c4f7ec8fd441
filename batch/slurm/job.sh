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
# Once the payload is read it waits for the rest itself.
python3 -I -c '@WAIT_FOR_PAYLOAD@' "$1" "$number" "$attempt"
code=$?
cd / && rm -rf "$scratch"
if [ "$code" -gt 128 ]; then
  trap - TERM
  ulimit -c 0
  kill -"$((code - 128))" $$
fi
exit "$code"
