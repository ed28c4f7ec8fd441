"""Programs that submit by themselves: how they are run, what their output tells, and what follows from their end."""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from domain.jobs import JobState
from domain.launches import HostKind, ScriptEnd

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


def cluster_ids(text: str) -> list[ClusterId]:
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
class Listener:
    """Reads ids in what comes piece by piece; one without a schedd waits a turn for the line that names it."""

    _line: str = ""
    _bare: list[ClusterId] = field(default_factory=list)
    _told: set[ClusterId] = field(default_factory=set)

    def hear(self, text: str) -> list[ClusterId]:
        """The clusters that are certain by now and were not before."""
        whole, _, rest = (self._line + text).rpartition("\n")
        self._line = rest[:MOST_LINE]
        found = [each for each in cluster_ids(whole) if each not in self._told]
        named = {each.number for each in found if each.schedd}
        certain = [each for each in self._bare if each.number not in named]
        certain += [each for each in found if each.schedd]
        self._bare = [each for each in found if not each.schedd]
        self._told.update(found)
        return certain


@dataclass(frozen=True, slots=True)
class Script:
    """A launch script, and where it is run."""

    command: Sequence[str]
    setup: Sequence[str]
    """Lines of a shell, before it."""
    environment: Mapping[str, str]
    host: HostKind = HostKind.LOCAL
    address: str = ""
    account: str = ""


# Says how HTCondor's own programs are to mark the jobs. An attribute that refers to itself hangs condor_submit (23.9),
# so that what the site has there is asked for first.
_MARK = r"""
_attributes=$(condor_config_val SUBMIT_ATTRS 2>/dev/null) || _attributes=
export _CONDOR_SUBMIT_ATTRS="$_attributes POMS_MARK POMS_SUBMISSION_ID"
export _CONDOR_POMS_MARK="\"$POMS_MARK\"" _CONDOR_POMS_SUBMISSION_ID="\"$POMS_SUBMISSION_ID\""
exec "$@"
"""

# Runs a command in a process group of its own, which ends as a whole: with the command, when nobody holds the other
# end of stdin any more (the worker is gone, or wants it), or when no line came from there for so many seconds.
SUPERVISE = r"""
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
QUIET_S = 30
"""After so much silence of its worker a script is stopped."""
STOPPED_S = 6.0
"""How long that takes to stop a command that doesn't want to."""
ALONE_S = QUIET_S + 2 * STOPPED_S
"""So much later it is surely over, whatever becomes of its worker."""

# On another host: an empty folder that goes again, and the credential, whose bytes come first on stdin.
_AWAY = r"""
umask 077
UPLOADS=$(mktemp -d "${TMPDIR:-/tmp}/poms.XXXXXXXX") && export UPLOADS && cd "$UPLOADS" || exit
trap 'cd / && rm -rf "$UPLOADS"' EXIT
trap : HUP TERM
bytes=$1 variable=$2; shift 2
if [ "$bytes" -gt 0 ]; then
  dd bs=1 count="$bytes" of=.credential 2>/dev/null
  export "$variable=$UPLOADS/.credential"
fi
bash -c "$@"
"""
SSH = (
    "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15",
    "-o", "ServerAliveCountMax=4",
)  # fmt: skip


def local(script: Script, quiet_s: int = QUIET_S) -> list[str]:
    """The arguments that run it here, supervised; the environment is the caller's to give."""
    shell = "\n".join([*script.setup, _MARK])
    inner = ["bash", "-c", shell, "launch", *script.command]
    return ["bash", "-c", SUPERVISE, "supervise", str(quiet_s), *inner]


def by_ssh(
    script: Script, more: Sequence[str] = (), credential: tuple[int, str] = (0, "")
) -> list[str]:
    """The arguments that run it on its host; each word is quoted, since a shell over there reads them.

    `more` are options of ssh; `credential` is how many bytes of it come on stdin, and the variable that names it.
    """
    host, _, port = script.address.partition(":")
    count, variable = credential
    given = [f"{name}={value}" for name, value in sorted(script.environment.items())]
    there = [
        "env",
        *given,
        "sh",
        "-c",
        _AWAY,
        "away",
        str(count),
        variable,
        *local(script)[2:],
    ]
    options = [
        *more,
        *(("-p", port) if port else ()),
        *(("-l", script.account) if script.account else ()),
    ]
    return [*SSH, *options, "--", host, *map(shlex.quote, there)]


class Verdict(StrEnum):
    """What follows for the submission when its launch script is over."""

    LAUNCHED = "launched"
    """Its state is that of its jobs; those that were not submitted have ended."""
    FAILED = "failed"
    """Nothing was submitted."""
    CANCELLED = "cancelled"
    """Nothing was submitted, and nobody wants it any more."""
    UNDECIDED = "undecided"
    """Nothing is known of it, which is no proof: somebody decides."""


def verdict(end: ScriptEnd, *, adopted: bool) -> Verdict:
    """What follows from its end, once all clusters that it told of or marked are adopted."""
    if adopted:
        return Verdict.LAUNCHED
    return {ScriptEnd.CUT_OFF: Verdict.UNDECIDED, ScriptEnd.REMOVAL: Verdict.CANCELLED}.get(
        end, Verdict.FAILED
    )


def left_out(end: ScriptEnd) -> JobState:
    """What the jobs are that were not submitted: failed, for a recovery to take their files, if anybody wants them."""
    return JobState.REMOVED if end is ScriptEnd.REMOVAL else JobState.FAILED


def how(end: ScriptEnd, exit_code: int | None, limit_s: float) -> str:
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


def last_lines(texts: Iterable[str], most: int = 1_000) -> str:
    """The end of what a script said itself."""
    lines = [line for line in "".join(texts).splitlines() if not line.startswith(OURS)]
    return "\n".join(lines).strip()[-most:]
