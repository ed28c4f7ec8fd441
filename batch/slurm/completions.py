"""The file of jobcomp/filetxt: a line for each end of a job, kept after the queue has forgotten it."""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path

from batch.event_lines import hash_bytes_before
from batch.slurm.order import ArrayName, parse_array_name
from batch.slurm.queue import ArrayTask
from batch.slurm.record import REST, Ends, LaunchTraces, MarkRecord

_FIELD = re.compile(r"(\w+)=(\S*)")
_ARRAY = re.compile(rb"ArrayJobId=(\d+) ")
_NAME = re.compile(rb" Name=(\S+) JobState=")
_NOTE = re.compile(r"(\d{1,20}):(\d{1,18}):([0-9a-f]{0,8})", re.ASCII)
_END = re.compile(rb" EndTime=(\d{4}-\S+)")
_TAIL, _QUARTER_S, _DAY = 1 << 16, 900, timedelta(days=1)
_RUN_ON = frozenset(("PENDING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT"))


@dataclass(frozen=True, slots=True)
class CompletionFile:
    """The file, where we can read it."""

    path: Path

    @property
    def proof(self) -> str:
        """It has all that ended."""
        return f", and {self.path} (jobcomp/filetxt) has those that are gone"

    def read_ends(self, sets: Mapping[str, Collection[int]]) -> Mapping[str, Ends]:
        """How the tasks of these sets ended: the last line of each."""
        found: dict[str, dict[tuple[int, int], ArrayTask]] = {}
        wanted, zone = {each.encode() for each in sets}, self._zone()
        for line in self._lines():
            name = _NAME.search(line)
            if name and not wanted.isdisjoint(name[1].split(b":")) and _ARRAY.search(line):
                task = _parse_completion(line.decode(errors="replace"), zone)
                if task and task.set in sets and task.word not in _RUN_ON:
                    found.setdefault(task.set, {})[task.array, task.task] = task
        return found

    def state(self) -> str:
        """Which file it is, and how it ends."""
        with suppress(OSError):
            found = self.path.stat()
            return f"{found.st_ino}:{found.st_size}:{hash_bytes_before(self.path, found.st_size)}"
        return ""

    def _has_lost(self, state: str) -> bool:
        """Whether it is not the file any more that it was: rotated, or cut."""
        noted = _NOTE.fullmatch(state)
        if noted is None:  # it lies where jobs can write
            return True
        is_same = self.state().partition(":")[0] == noted[1]
        return not is_same or hash_bytes_before(self.path, int(noted[2])) != noted[3]

    def read_mark(self, mark: str, traces: LaunchTraces) -> MarkRecord:
        """The arrays that carried the mark."""
        found: dict[int, ArrayName] = {}
        for line in self._lines():
            name, array = _NAME.search(line), _ARRAY.search(line)
            told = parse_array_name(name[1].decode(errors="replace")) if name and array else None
            if told and array and told.mark == mark:
                found[int(array[1])] = told
        if traces.state and self._has_lost(traces.state):
            doubt = f"{self.path} is not the file any more that it was before the launch"
            return MarkRecord(found, doubt=doubt)
        return MarkRecord(found, f"neither the queue nor {self.path} has it")

    def _zone(self) -> tzinfo | None:
        """The zone of the controller's machine, in which it writes: None where it is ours, too.

        It writes a line when a job ends: what the last one says is when the file was changed, but for the zone.
        """
        with suppress(OSError, ValueError), self.path.open("rb") as file:
            written = os.fstat(file.fileno()).st_mtime
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            ends = _END.findall(file.read())
            said = datetime.fromisoformat(ends[-1].decode()) if ends else None
            if said is not None:
                ahead = said.replace(tzinfo=UTC).timestamp() - written
                here = datetime.fromtimestamp(written).astimezone().utcoffset()
                there = timedelta(seconds=round(ahead / _QUARTER_S) * _QUARTER_S)
                return None if there == here or abs(there) >= _DAY else timezone(there)
        return None

    def _lines(self) -> Iterator[bytes]:
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            yield from file


def _parse_completion(line: str, zone: tzinfo | None) -> ArrayTask | None:
    """None: fields are there twice, since whoever submits a job may name it like a part of a line."""
    fields = _FIELD.findall(line)
    told = dict(fields)
    if len(told) < len(fields):
        return None
    number = told.get("ArrayTaskId", "")
    nodes, name = told.get("NodeList", ""), parse_array_name(told.get("Name", ""))
    return ArrayTask(
        array=int(told["ArrayJobId"]),
        task=int(number) if number.isdecimal() and int(number) < 1 << 31 else REST,
        word=told.get("JobState", ""),
        reason="",
        restarts=0,
        exit=told.get("ExitCode", ""),
        submitted=_parse_completion_time(told.get("SubmitTime"), zone),
        started=_parse_completion_time(told.get("StartTime"), zone),
        ended=_parse_completion_time(told.get("EndTime"), zone),
        nodes="" if nodes in ("(null)", "None") else nodes,
        memory="",
        set=name.set if name else "",
    )


def _parse_completion_time(text: str | None, zone: tzinfo | None) -> float:
    """Also as seconds since 1970, as a controller writes them whose environment has SLURM_TIME_FORMAT=%s."""
    if (text or "").isdecimal():
        return float(text or "")
    with suppress(ValueError):
        told = datetime.fromisoformat(text or "")
        return (told.replace(tzinfo=zone) if zone else told.astimezone()).timestamp()
    return 0.0
