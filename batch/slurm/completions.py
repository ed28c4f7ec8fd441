"""The file of jobcomp/filetxt: a line for each end of a job, kept after the queue has forgotten it."""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from batch.slurm.order import Name, named
from batch.slurm.queue import Task
from batch.slurm.record import REST, Ends, Kept

_FIELD = re.compile(r"(\w+)=(\S*)")
_ARRAY = re.compile(rb"ArrayJobId=(\d+) ")
_NAME = re.compile(rb" Name=(\S+) ")
_RUN_ON = frozenset(("PENDING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT"))


@dataclass(frozen=True, slots=True)
class Completions:
    """The file, where we can read it."""

    path: Path

    @property
    def proof(self) -> str:
        """It has all that ended."""
        return f", and {self.path} (jobcomp/filetxt) has those that are gone"

    def ended(self, sets: Mapping[str, Collection[int]]) -> Mapping[str, Ends]:
        """How the tasks of these sets ended: the last line of each."""
        found: dict[str, dict[tuple[int, int], Task]] = {}
        wanted = {each.encode() for each in sets}
        for line in self._lines():
            name = _NAME.search(line)
            if name and not wanted.isdisjoint(name[1].split(b":")) and _ARRAY.search(line):
                task = _task(line.decode(errors="replace"))
                if task.set in sets and task.word not in _RUN_ON:
                    found.setdefault(task.set, {})[task.array, task.task] = task
        return found

    def kept(self, mark: str, began: float | None) -> Kept:
        """The arrays that carried the mark."""
        found: dict[int, Name] = {}
        for line in self._lines():
            name, array = _NAME.search(line), _ARRAY.search(line)
            told = named(name[1].decode(errors="replace")) if name and array else None
            if told and array and told.mark == mark:
                found[int(array[1])] = told
        return Kept(found, f"neither the queue nor {self.path} has it")

    def _lines(self) -> Iterator[bytes]:
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            yield from file


def _task(line: str) -> Task:
    told = dict(_FIELD.findall(line))
    number = told.get("ArrayTaskId", "")
    nodes, name = told.get("NodeList", ""), named(told.get("Name", ""))
    return Task(
        array=int(told["ArrayJobId"]),
        task=int(number) if number.isdecimal() and int(number) < 1 << 31 else REST,
        word=told.get("JobState", ""),
        reason="",
        restarts=0,
        exit=told.get("ExitCode", ""),
        submitted=_time(told.get("SubmitTime")),
        started=_time(told.get("StartTime")),
        ended=_time(told.get("EndTime")),
        nodes="" if nodes in ("(null)", "None") else nodes,
        memory="",
        set=name.set if name else "",
    )


def _time(text: str | None) -> float:
    # Slurm writes the time of its own machine's zone, which is ours where its file is.
    with suppress(ValueError):
        return datetime.fromisoformat(text or "").astimezone().timestamp()
    return 0.0
