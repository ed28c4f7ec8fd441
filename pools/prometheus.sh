#!/bin/bash
# pools/prometheus.sh [SUITE] [FOLDER]: Prometheus of a Debian suite, unpacked into a folder of this checkout (see suite.sh).
set -euo pipefail

what=Prometheus suite=${1:-trixie} folder=$(realpath -m "${2:-$(dirname "$0")/../.pools/prometheus}")
. "$(dirname "$0")/suite.sh"

# Its pages are not wanted.
fetch 'prometheus$' 'perl|python|js-|debconfclient' prometheus
relocate "$lib" "$folder/usr/bin/prometheus"
"$folder/usr/bin/prometheus" --version 2>&1 | head -1
whole bin/prometheus
