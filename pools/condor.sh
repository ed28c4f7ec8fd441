#!/bin/bash
# pools/condor.sh [SUITE] [FOLDER]: HTCondor of a Debian suite, unpacked into a folder of this checkout (see suite.sh).
set -euo pipefail

what=HTCondor suite=${1:-trixie} folder=$(realpath -m "${2:-$(dirname "$0")/../.pools/condor}")
. "$(dirname "$0")/suite.sh"

# Libraries that its daemons never load.
idle='perl|python|js-|pam|semanage|sepol|audit|debconfclient|date-manip|acl|attr|bsd|md0|db5|gdbm|readline|ncurses'
idle="$idle|tinfo|cryptsetup|devmapper|json-c|popt|onig|jq1|bz2|ffi8\$|c-gconv|boost"
fetch 'condor$' "$idle" condor
relocate "$lib:$folder/usr/lib" "$folder"/usr/bin/condor_* "$folder"/usr/sbin/* "$folder"/usr/libexec/condor/* \
  "$folder"/usr/lib/libcondor_utils*.so "$folder"/usr/lib/libclassad.so.*
"$folder/usr/bin/condor_version" | head -1
whole sbin/condor_{master,collector,negotiator,schedd,startd,shared_port}
