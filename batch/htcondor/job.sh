#!/bin/sh
# Called by HTCondor as `sh job.sh LAUNCHDIR NUMBER`: runs the payload in an empty folder, as the attempt of
# HTCondor's own count of starts. That one is in the event log, too, and never names two starts alike.
attempt=$(sed -n 's/^NumShadowStarts = \([0-9][0-9]*\)$/\1/p' "$_CONDOR_JOB_AD")
[ -n "$attempt" ] || exit 85
mkdir "$_CONDOR_SCRATCH_DIR/poms" && cd "$_CONDOR_SCRATCH_DIR/poms" || exit 85
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}
export PATH
exec python3 -I "$1/payload.py" "$1" "$2" "$attempt"
