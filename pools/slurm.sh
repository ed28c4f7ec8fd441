#!/bin/bash
# pools/slurm.sh [SUITE] [FOLDER]: Slurm and munge of a Debian suite, unpacked into a folder of this checkout (see suite.sh).
set -euo pipefail

what=Slurm suite=${1:-trixie} folder=$(realpath -m "${2:-$(dirname "$0")/../.pools/slurm}")
. "$(dirname "$0")/suite.sh"

# Libraries that its daemons and clients never load.
idle='perl|python|js-|semanage|sepol|debconfclient|date-manip|acl|attr|bsd|md0|db5|gdbm|cryptsetup|devmapper'
idle="$idle|popt|onig|jq1|ffi8\$|c-gconv|boost"
fetch 'slurm|munge$' "$idle" slurmctld slurmd slurm-client munge
plugins="$lib/slurm-wlm"
relocate "$plugins:$lib:$folder/usr/lib" "$folder"/usr/bin/* "$folder"/usr/sbin/* "$plugins"/*
# The daemons look at the name by which they are called.
for name in slurmctld slurmd slurmstepd; do
  if [ -e "$folder/usr/sbin/$name-wlm" ]; then ln -sf "$name-wlm" "$folder/usr/sbin/$name"; fi
done
"$folder/usr/sbin/slurmctld" -V
whole sbin/{slurmctld,slurmd,slurmstepd,munged} bin/{sbatch,squeue}
