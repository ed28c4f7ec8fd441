#!/bin/sh
# Called by HTCondor as `sh job.sh LAUNCHDIR NUMBER`: runs the payload in an empty folder, as the attempt of
# HTCondor's own count of starts. That one is in the event log, too, and never names two starts alike.
# LAUNCHDIR is `-` where nothing is shared: then the scratch folder becomes one, of what came with the job.
attempt=$(sed -n 's/^NumShadowStarts = \([0-9][0-9]*\)$/\1/p' "$_CONDOR_JOB_AD")
[ -n "$attempt" ] || exit 85
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}
export PATH
launch=$1 number=$2 carried=
if [ "$launch" = - ]; then
  launch=$_CONDOR_SCRATCH_DIR payload=$_CONDOR_SCRATCH_DIR/carried.zip carried=carried
  cd "$launch" && mkdir units starts reports outputs && mv "$number.json" units || exit 85
fi
mkdir "$_CONDOR_SCRATCH_DIR/poms" && cd "$_CONDOR_SCRATCH_DIR/poms" || exit 85
if [ -n "$carried" ]; then exec python3 -I "$payload" "$launch" "$number" "$attempt" "$carried"; fi
exec python3 -I -c '@WAIT_FOR_PAYLOAD@' "$launch" "$number" "$attempt"
