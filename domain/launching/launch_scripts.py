"""Programs that submit by themselves: how they are run, what their output tells, and what follows from their end."""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from domain.launching.launches import ScriptEnd
from domain.setup.launch_hosts import HostKind
from domain.submissions.jobs import JobState

OURS = "[POMS] "
"""How the lines of a launch's output begin that POMS itself says: no ids are read in them."""
MOST_LINE = 4_000
_SAID = re.compile(
    r"(?:Use job id|JobsubJobId of first job:) (?P<job>\d{1,18})(?:\.\d+)?@(?P<at>[\w.@-]*\w)"
    r"|\d job\(s\) submitted to cluster (?P<cluster>\d{1,18})\b(?: on schedd (?P<on>[\w.@-]*\w))?"
    r"|^(?P<first>\d{1,18})\.\d+ - (?P=first)\.\d+\s*$",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class ClusterId:
    """A cluster as the output calls it; without a schedd, one of the launch's own batch system."""

    number: str
    schedd: str = ""


def parse_cluster_ids(text: str) -> list[ClusterId]:
    """The clusters that an output tells of, each once: as jobsub, jobsub_lite and condor_submit say it.

    jobsub_lite lets condor_submit speak first and then names the schedd: the name counts.
    """
    found = dict[ClusterId, None]()
    for line in text.splitlines():
        said = None if line.startswith(OURS) else _SAID.search(line[:MOST_LINE])
        if said:
            number = said["job"] or said["cluster"] or said["first"]
            found[ClusterId(number, said["at"] or said["on"] or "")] = None
    named = {each.number for each in found if each.schedd}
    return [each for each in found if each.schedd or each.number not in named]


@dataclass(slots=True)
class ClusterIdListener:
    """Reads ids in what comes piece by piece; one without a schedd waits a turn for the line that names it."""

    _line: str = ""
    _bare: list[ClusterId] = field(default_factory=list)
    _heard_ids: set[ClusterId] = field(default_factory=set)

    def hear(self, text: str) -> list[ClusterId]:
        """The clusters that are certain by now and were not before."""
        whole, _, rest = (self._line + text).rpartition("\n")
        self._line = rest[:MOST_LINE]
        found = [each for each in parse_cluster_ids(whole) if each not in self._heard_ids]
        named = {each.number for each in found if each.schedd}
        certain = [each for each in self._bare if each.number not in named]
        certain += [each for each in found if each.schedd]
        self._bare = [each for each in found if not each.schedd]
        self._heard_ids.update(found)
        return certain


@dataclass(frozen=True, slots=True)
class LaunchScript:
    """A launch script, and where it is run."""

    command: Sequence[str]
    setup: Sequence[str]
    """Lines of a shell, before it."""
    environment: Mapping[str, str]
    host: HostKind = HostKind.LOCAL
    address: str = ""
    account: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables that no list of processes shows."""

    @property
    def secret_lines(self) -> bytes:
        """The secrets as a shell reads them."""
        lines = (f"export {name}={shlex.quote(value)}\n" for name, value in self.secrets.items())
        return "".join(lines).encode()


# $UPLOADS is all that a parameter may ask of a shell: where the sandbox is, only the launch host knows.
# Says how HTCondor's own programs are to mark the jobs. An attribute that refers to itself hangs condor_submit (23.9),
# so that what the site has there is asked for first.
_MARK = r"""
_attributes=$(condor_config_val SUBMIT_ATTRS 2>/dev/null) || _attributes=
export _CONDOR_SUBMIT_ATTRS="$_attributes POMS_MARK POMS_SUBMISSION_ID"
export _CONDOR_POMS_MARK="\"$POMS_MARK\"" _CONDOR_POMS_SUBMISSION_ID="\"$POMS_SUBMISSION_ID\""
exec "${@//\$UPLOADS/"$UPLOADS"}"
"""

QUIET_S = 30
"""After so much silence of its worker a script is stopped."""
STOPPED_S = 26.0
"""How long it takes to stop a command that doesn't want to, and all that it has started (batch/process_tree.py)."""
ALONE_S = QUIET_S + 2 * STOPPED_S
"""So much later it is surely over, whatever becomes of its worker."""

# On another host: an empty folder that goes again; secrets, credential and uploads, whose bytes come first on stdin.
# Then the best that is there to end the command with all that it starts: batch/process_tree.py where there is a Python;
# else a process namespace, which the kernel ends with its first process; else a process group, which can be left.
_AWAY = r"""
umask 077
UPLOADS=$(mktemp -d "${TMPDIR:-/tmp}/poms.XXXXXXXX") && export UPLOADS && cd "$UPLOADS" || exit
trap 'cd / && rm -rf "$UPLOADS"' EXIT
trap : HUP TERM
supervisor=$1 group=$2 quiet=$3 prefix=$4 secret=$5 bytes=$6 variable=$7 blocks=$8; shift 8
if [ "$secret" -gt 0 ]; then
  dd bs=1 count="$secret" of=.secrets 2>/dev/null
  . ./.secrets
  rm -f .secrets
fi
if [ "$bytes" -gt 0 ]; then
  dd bs=1 count="$bytes" of=.credential 2>/dev/null
  export "$variable=$UPLOADS/.credential"
fi
if [ "$blocks" -gt 0 ]; then
  dd bs=65536 count="$blocks" iflag=fullblock 2>/dev/null | tar -xf - || {
    echo "${prefix}The uploads could not be unpacked: here have to be a dd that knows iflag=fullblock, and tar."
    exit 1
  }
fi
space="unshare --pid --fork --kill-child"
[ "$(id -u)" = 0 ] || space="$space --user --map-current-user"
if python3 -I -c 'import ctypes, sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
  echo "${prefix}All that it starts is ended with it: by a subreaper."
  python3 -I -c "$supervisor" "$quiet" "$prefix" "$@"
elif $space true 2>/dev/null; then
  echo "${prefix}All that it starts is ended with it: by a process namespace."
  $space bash -c "$group" supervise "$quiet" "$@"
else
  echo "${prefix}Here is neither Python 3.9 nor unshare: what leaves its process group is not ended with it."
  bash -c "$group" supervise "$quiet" "$@"
fi
"""

# Runs a command in a process group of its own, which ends as a whole: with the command, when nobody holds the other
# end of stdin any more (the worker is gone, or wants it), or when no line came from there for so many seconds.
_IN_GROUP = r"""
quiet=$1; shift
exec 3<&0 </dev/null
setsid "$@" 3<&- & script=$!
stop() {
  kill -s TERM -- "-$script" && sleep 5
  kill -s KILL -- "-$script"
} 2>/dev/null
{ while read -r -t "$quiet" <&3; do :; done; stop; } >/dev/null 2>&1 & lifeline=$!
{ wait "$script"; code=$?; } 2>/dev/null
kill -s TERM -- "-$script" 2>/dev/null && sleep 0.2 && kill -s KILL -- "-$script" 2>/dev/null
kill "$lifeline" 2>/dev/null
exit "$code"
"""
SSH = (
    "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15",
    "-o", "ServerAliveCountMax=4",
)  # fmt: skip


def split_address(address: str) -> tuple[str, str]:
    """A host and its port, which is empty where it is the usual one."""
    host, _, port = address.partition(":")
    return host, port


def build_shell_command(script: LaunchScript) -> list[str]:
    """The arguments that run it, once it has a supervisor; the environment is the caller's to give."""
    shell = "\n".join([*script.setup, _MARK])
    return ["bash", "-c", shell, "launch", *script.command]


def build_local_command(
    script: LaunchScript,
    supervisor: Sequence[str],
    quiet_s: int = QUIET_S,
    account: Sequence[str] = (),
) -> list[str]:
    """The arguments that run it here; `supervisor` run batch/process_tree.py, `account` tells it as whom."""
    return [*supervisor, str(quiet_s), OURS, *account, *build_shell_command(script)]


BLOCK = 65_536
"""The archive of uploads consists of blocks of so many bytes, which `dd` reads whole."""


@dataclass(frozen=True, slots=True)
class CarriedFiles:
    """What comes on the stdin of a script on another host, after its secrets' lines."""

    credential_bytes: int = 0
    credential_variable: str = ""
    upload_blocks: int = 0
    """Of an archive of `tar`."""

    @property
    def words(self) -> list[str]:
        """As the shell over there is told it."""
        return [str(self.credential_bytes), self.credential_variable, str(self.upload_blocks)]


def build_ssh_command(
    script: LaunchScript,
    supervisor: str,
    more: Sequence[str] = (),
    carried: CarriedFiles = CarriedFiles(),
) -> list[str]:
    """The arguments that run it on its host; each word is quoted, since a shell over there reads them.

    `supervisor` is the text of batch/process_tree.py, `more` are options of ssh.
    """
    host, port = split_address(script.address)
    given = [f"{name}={value}" for name, value in sorted(script.environment.items())]
    before = [str(len(script.secret_lines)), *carried.words]
    wrapped = [supervisor, _IN_GROUP, str(QUIET_S), OURS, *before]
    there = ["env", *given, "sh", "-c", _AWAY, "away", *wrapped, *build_shell_command(script)]
    options = [
        *more,
        *(("-p", port) if port else ()),
        *(("-l", script.account) if script.account else ()),
    ]
    return [*SSH, *options, "--", host, *map(shlex.quote, there)]


class ScriptVerdict(StrEnum):
    """What follows for the submission when its launch script is over."""

    LAUNCHED = "launched"
    """Its state is that of its jobs; those that were not submitted have ended."""
    FAILED = "failed"
    """Nothing was submitted."""
    CANCELLED = "cancelled"
    """Nothing was submitted, and nobody wants it any more."""
    UNDECIDED = "undecided"
    """Nothing is known of it, which is no proof: somebody decides."""


def decide_script_verdict(end: ScriptEnd, *, adopted: bool) -> ScriptVerdict:
    """What follows from its end, once all clusters that it told of or marked are adopted."""
    if adopted:
        return ScriptVerdict.LAUNCHED
    return {
        ScriptEnd.CUT_OFF: ScriptVerdict.UNDECIDED,
        ScriptEnd.REMOVAL: ScriptVerdict.CANCELLED,
    }.get(end, ScriptVerdict.FAILED)


def choose_unsubmitted_state(end: ScriptEnd) -> JobState:
    """What the jobs are that were not submitted: failed, for a recovery to take their files, if anybody wants them."""
    return JobState.REMOVED if end is ScriptEnd.REMOVAL else JobState.FAILED


def describe_end(end: ScriptEnd, exit_code: int | None, limit_s: float) -> str:
    """How a launch script ended, as the beginning of a sentence."""
    match end:
        case ScriptEnd.EXITED:
            return f"The launch script ended with exit code {exit_code}"
        case ScriptEnd.TIME_LIMIT:
            return f"The launch script was stopped after {limit_s:.0f} s, its time limit,"
        case ScriptEnd.REMOVAL:
            return "The launch script was stopped, as the removal of its jobs was asked for,"
        case ScriptEnd.STOPPED:
            return "The launch script was stopped with its worker"
        case ScriptEnd.CUT_OFF:
            return "The launch script was cut off when its worker was lost"


def join_last_lines(texts: Iterable[str], most: int = 1_000) -> str:
    """The end of what a script said itself."""
    lines = [line for line in "".join(texts).splitlines() if not line.startswith(OURS)]
    return "\n".join(lines).strip()[-most:]
