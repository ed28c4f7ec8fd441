# Programs of another Debian suite, unpacked into a folder of this checkout: what the scripts beside it share.
#
# It takes the mirror that apt already uses, and leaves the system's packages alone: a private apt state
# says what is needed, the packages are only unpacked, and their programs are told to use the libraries
# that came with them. Root is not needed. The folder can't be moved afterwards; run the script again instead.
# Expects $what, $suite and $folder; sets $lib (the folder of libraries), $loader and $work (a scratch folder).

made="$folder/.made-$suite"
[ ! -e "$made" ] || { echo "$what of $suite is in $folder."; exit 0; }
for needed in apt-get dpkg-deb readelf; do
  command -v $needed >/dev/null || { echo "There is no $needed here, which fetching $what needs."; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

private_apt() {
  local codename mirror
  mkdir -p "$work"/lists/partial "$work"/cache/archives/partial "$work"/parts "$work"/debs
  : >"$work/status"
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | awk -v c="$codename" '$1 == c {print $2; exit}')
  [ -n "$mirror" ] || { echo "apt of this machine names no mirror of Debian's $codename."; exit 1; }
  cat >"$work/parts/suite.sources" <<SOURCES
Types: deb
URIs: $mirror
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
  cat >"$work/apt.conf" <<CONF
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
CONF
  export APT_CONFIG="$work/apt.conf"
  apt-get -qq update
}

# fetch KEPT IDLE PACKAGE...: unpack the packages and what they need, as far as its name is KEPT and no IDLE library.
fetch() {
  local kept=$1 idle=$2 packages package old
  shift 2
  private_apt
  apt-get install -y -s "$@" patchelf >"$work/plan" 2>/dev/null ||
    { echo "Debian's $suite has no $what that could be installed."; exit 1; }
  packages=$(awk '/^Inst /{print $2}' "$work/plan" | grep -E "^($kept|patchelf\$|lib)" | grep -vE "^lib($idle)")
  (cd "$work/debs" && apt-get -qq download $packages 2>/dev/null)
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
  loader=$(ls "$folder"/usr/lib64/ld-linux-*.so.* "$lib"/ld-linux-*.so.* 2>/dev/null | head -1)
  mv "$folder/usr/bin/patchelf" "$work/patchelf"
}

is_elf() { [ -f "$1" ] && [ ! -L "$1" ] && [ "$(head -c4 "$1" | tail -c3 | tr -d '\0')" = ELF ]; }

# relocate LIBRARIES FILE...: tell programs and libraries among the files to use these libraries.
relocate() {
  local libraries=$1 file
  local patchelf=("$loader" --library-path "$libraries" "$work/patchelf")
  shift
  for file in "$@"; do
    is_elf "$file" || continue
    # An RPATH (not RUNPATH) holds for the libraries' own needs, too, and for what is loaded later.
    if readelf -lW "$file" 2>/dev/null | grep -q INTERP; then
      "${patchelf[@]}" --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" "$file"
    else
      "${patchelf[@]}" --force-rpath --set-rpath "$libraries" "$file"
    fi
  done
}

# whole PROGRAM...: all their libraries are there; the folder is made.
whole() {
  local name missing
  for name in "$@"; do
    missing=$("$loader" --list "$folder/usr/$name" 2>&1 | grep 'not found' || true)
    [ -z "$missing" ] || { echo "$name lacks a library: $missing"; exit 1; }
  done
  touch "$made"
  echo "$what of $suite is in $folder: $(du -sm "$folder" | cut -f1) MB."
}
