#!/bin/bash
# pools/accounting.sh [SUITE] [FOLDER]: slurmdbd and MariaDB of a Debian suite, unpacked into a folder of this checkout (see suite.sh).
set -euo pipefail

what="Slurm's accounting" suite=${1:-trixie} folder=$(realpath -m "${2:-$(dirname "$0")/../.pools/accounting}")
. "$(dirname "$0")/suite.sh"

# Libraries that its daemons never load.
idle='perl|python|js-|semanage|sepol|debconfclient|date-manip|acl|attr|bsd|md0|db5|gdbm|cryptsetup|devmapper'
idle="$idle|popt|onig|jq1|ffi8\$|c-gconv|boost|.*-perl\$"
fetch 'slurm|mariadb-server' "$idle" slurmdbd mariadb-server
plugins="$lib/slurm-wlm"
rm -rf "$folder/usr/bin"
relocate "$plugins:$lib:$folder/usr/lib" "$folder"/usr/sbin/* "$plugins"/*
whole sbin/{slurmdbd,mariadbd}
