#!/bin/bash
# pools/condor.sh [SUITE] [FOLDER]: HTCondor of a Debian suite, unpacked into a folder of this checkout.
#
# It takes the mirror that apt already uses, and leaves the system's packages alone: a private apt state
# says what is needed, the packages are only unpacked, and their programs are told to use the libraries
# that came with them. Root is not needed. The folder can't be moved afterwards; run this again instead.
set -euo pipefail

suite=${1:-trixie}
folder=$(realpath -m "${2:-$(dirname "$0")/../.pools/condor}")
made="$folder/.made-$suite"
[ ! -e "$made" ] || { echo "HTCondor of $suite is in $folder."; exit 0; }
for needed in apt-get dpkg-deb readelf; do
  command -v $needed >/dev/null || { echo "There is no $needed here, which fetching HTCondor needs."; exit 1; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/lists/partial "$work"/cache/archives/partial "$work"/parts "$work"/debs
: >"$work/status"

# --- A private apt ----------------------------------------------------------------------------------

codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | awk -v c="$codename" '$1 == c {print $2; exit}')
[ -n "$mirror" ] || { echo "apt of this machine names no mirror of Debian's $codename."; exit 1; }
cat >"$work/parts/suite.sources" <<EOF
Types: deb
URIs: $mirror
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
EOF
cat >"$work/apt.conf" <<EOF
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$work/parts";
Dir::Etc::preferencesparts "/dev/null";
Dir::State::Lists "$work/lists";
Dir::State::status "$work/status";
Dir::State::extended_states "$work/extended";
Dir::Cache "$work/cache";
APT::Install-Recommends "false";
APT::Sandbox::User "$(id -un)";
Debug::NoLocking "true";
Acquire::Languages "none";
EOF
export APT_CONFIG="$work/apt.conf"
apt-get -qq update

# --- What is needed: condor and libraries, less those that its daemons never load ---------------------

idle='perl|python|js-|pam|semanage|sepol|audit|debconfclient|date-manip|acl|attr|bsd|md0|db5|gdbm|readline|ncurses'
idle="$idle|tinfo|cryptsetup|devmapper|json-c|popt|onig|jq1|bz2|ffi8\$|c-gconv|boost"
apt-get install -y -s condor patchelf >"$work/plan" 2>/dev/null ||
  { echo "Debian's $suite has no condor that could be installed."; exit 1; }
packages=$(awk '/^Inst /{print $2}' "$work/plan" | grep -E '^(condor$|patchelf$|lib)' | grep -vE "^lib($idle)")
(cd "$work/debs" && apt-get -qq download $packages 2>/dev/null)

# --- Unpacked next to its place, and put there whole ----------------------------------------------------

rm -rf "$folder"
mkdir -p "$folder"
for package in "$work"/debs/*.deb; do dpkg-deb -x "$package" "$folder"; done
rm -rf "$folder"/usr/share/{doc,man,lintian,bug,locale} "$folder"/etc/init.d "$folder"/usr/lib/systemd \
  "$folder"/usr/lib/*-linux-gnu/gconv
lib=$(dirname "$(ls -d "$folder"/usr/lib/*-linux-gnu/libc.so.6)")
loader=$(ls "$folder"/usr/lib64/ld-linux-*.so.* "$lib"/ld-linux-*.so.* 2>/dev/null | head -1)
libraries="$lib:$folder/usr/lib"
patchelf=("$loader" --library-path "$libraries" "$folder/usr/bin/patchelf.fetched")
mv "$folder/usr/bin/patchelf" "$folder/usr/bin/patchelf.fetched"

is_elf() { [ -f "$1" ] && [ ! -L "$1" ] && [ "$(head -c4 "$1" | tail -c3 | tr -d '\0')" = ELF ]; }
count=0
for file in "$folder"/usr/bin/condor_* "$folder"/usr/sbin/* "$folder"/usr/libexec/condor/*; do
  is_elf "$file" && readelf -lW "$file" 2>/dev/null | grep -q INTERP || continue
  # An RPATH (not RUNPATH) holds for the libraries' own needs, too, and for what is loaded later.
  "${patchelf[@]}" --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" "$file"
  count=$((count + 1))
done
for file in "$folder"/usr/lib/libcondor_utils*.so "$folder"/usr/lib/libclassad.so.*; do
  if is_elf "$file"; then "${patchelf[@]}" --force-rpath --set-rpath "$libraries" "$file"; fi
done
rm "$folder/usr/bin/patchelf.fetched"

for name in condor_master condor_collector condor_negotiator condor_schedd condor_startd condor_shared_port; do
  missing=$("$loader" --list "$folder/usr/sbin/$name" 2>&1 | grep 'not found' || true)
  [ -z "$missing" ] || { echo "$name lacks a library: $missing"; exit 1; }
done
"$folder/usr/bin/condor_version" | head -1
touch "$made"
echo "HTCondor of $suite is in $folder: $count programs, $(du -sm "$folder" | cut -f1) MB."
