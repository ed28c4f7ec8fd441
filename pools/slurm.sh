#!/bin/bash
# pools/slurm.sh [SUITE] [FOLDER]: Slurm and munge of a Debian suite, unpacked into a folder of this checkout.
#
# As condor.sh does it: the mirror that apt already uses, a private apt state, no root, the system's packages
# left alone. The folder can't be moved afterwards; run this again instead.
set -euo pipefail

suite=${1:-trixie}
folder=$(realpath -m "${2:-$(dirname "$0")/../.pools/slurm}")
made="$folder/.made-$suite"
[ ! -e "$made" ] || { echo "Slurm of $suite is in $folder."; exit 0; }
for needed in apt-get dpkg-deb readelf; do
  command -v $needed >/dev/null || { echo "There is no $needed here, which fetching Slurm needs."; exit 1; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/lists/partial "$work"/cache/archives/partial "$work"/parts "$work"/debs
: >"$work/status"

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

# --- What is needed: daemons, clients and libraries, less those that they never load ----------------

idle='perl|python|js-|semanage|sepol|debconfclient|date-manip|acl|attr|bsd|md0|db5|gdbm|cryptsetup|devmapper'
idle="$idle|popt|onig|jq1|ffi8\$|c-gconv|boost"
apt-get install -y -s slurmctld slurmd slurm-client munge patchelf >"$work/plan" 2>/dev/null ||
  { echo "Debian's $suite has no Slurm that could be installed."; exit 1; }
packages=$(awk '/^Inst /{print $2}' "$work/plan" | grep -E '^(slurm|munge$|patchelf$|lib)' | grep -vE "^lib($idle)")
(cd "$work/debs" && apt-get -qq download $packages 2>/dev/null)

# --- Unpacked, and told to use the libraries that came along ----------------------------------------

rm -rf "$folder"
mkdir -p "$folder"
for package in "$work"/debs/*.deb; do dpkg-deb -x "$package" "$folder"; done
rm -rf "$folder"/usr/share/{doc,man,lintian,bug,locale} "$folder"/etc/init.d "$folder"/usr/lib/systemd \
  "$folder"/usr/lib/*-linux-gnu/gconv
# Suites older than the merged /usr keep the loader and libc in /lib.
for old in "$folder"/lib "$folder"/lib64; do
  if [ -d "$old" ] && [ ! -L "$old" ]; then cp -a "$old" "$folder/usr/" && rm -rf "$old"; fi
done
lib=$(dirname "$(ls -d "$folder"/usr/lib/*-linux-gnu/libc.so.6)")
plugins="$lib/slurm-wlm"
loader=$(ls "$folder"/usr/lib64/ld-linux-*.so.* "$lib"/ld-linux-*.so.* 2>/dev/null | head -1)
libraries="$plugins:$lib:$folder/usr/lib"
mv "$folder/usr/bin/patchelf" "$work/patchelf"
patchelf=("$loader" --library-path "$libraries" "$work/patchelf")

is_elf() { [ -f "$1" ] && [ ! -L "$1" ] && [ "$(head -c4 "$1" | tail -c3 | tr -d '\0')" = ELF ]; }
count=0
for file in "$folder"/usr/bin/* "$folder"/usr/sbin/* "$plugins"/*; do
  is_elf "$file" && readelf -lW "$file" 2>/dev/null | grep -q INTERP || continue
  # An RPATH (not RUNPATH) holds for the libraries' own needs, too, and for what is loaded later.
  "${patchelf[@]}" --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" "$file"
  count=$((count + 1))
done
for file in "$plugins"/*.so; do
  if is_elf "$file"; then "${patchelf[@]}" --force-rpath --set-rpath "$libraries" "$file"; fi
done
# The daemons look at the name by which they are called.
for name in slurmctld slurmd slurmstepd; do
  if [ -e "$folder/usr/sbin/$name-wlm" ]; then ln -sf "$name-wlm" "$folder/usr/sbin/$name"; fi
done

for name in sbin/slurmctld sbin/slurmd sbin/slurmstepd sbin/munged bin/sbatch bin/squeue; do
  missing=$("$loader" --list "$folder/usr/$name" 2>&1 | grep 'not found' || true)
  [ -z "$missing" ] || { echo "$name lacks a library: $missing"; exit 1; }
done
"$folder/usr/sbin/slurmctld" -V
touch "$made"
echo "Slurm of $suite is in $folder: $count programs, $(du -sm "$folder" | cut -f1) MB."
