"""The file of jobcomp/filetxt: a line for each end of a job, kept after the queue has forgotten it."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from batch.slurm.order import Name, named
from batch.slurm.queue import Task

_FIELD = re.compile(r"(\w+)=(\S*)")
_ARRAY = re.compile(rb"ArrayJobId=(\d+) ")
_NAME = re.compile(rb" Name=(\S+) ")
_RUN_ON = frozenset(("PENDING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT"))


def ended(path: Path, set_: str) -> dict[tuple[int, int], Task]:
    """How the tasks of a set ended, by array and task; what came of arrays' unstarted rest as task -1."""
    found: dict[tuple[int, int], Task] = {}
    carried = f":{set_}:".encode()
    for line in _lines(path):
        if carried in line and _ARRAY.search(line):
            task = _task(line.decode(errors="replace"))
            if task.set == set_ and task.word not in _RUN_ON:
                found[task.array, task.task] = task
    return found


def names(path: Path, mark: str) -> dict[int, Name]:
    """The arrays that carried a mark."""
    found: dict[int, Name] = {}
    for line in _lines(path):
        name, array = _NAME.search(line), _ARRAY.search(line)
        told = named(name[1].decode(errors="replace")) if name and array else None
        if told and array and told.mark == mark:
            found[int(array[1])] = told
    return found


def _lines(path: Path) -> Iterator[bytes]:
    with suppress(FileNotFoundError), path.open("rb") as file:
        yield from file


def _task(line: str) -> Task:
    told = dict(_FIELD.findall(line))
    number = told.get("ArrayTaskId", "")
    nodes, name = told.get("NodeList", ""), named(told.get("Name", ""))
    return Task(
        array=int(told["ArrayJobId"]),
        task=int(number) if number.isdecimal() and int(number) < 1 << 31 else -1,
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
