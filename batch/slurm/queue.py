"""What squeue says of jobs, as text and as what it means."""

import logging
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from batch.slurm.order import ArrayName, parse_array_name
from domain.submissions.jobs import JobState

_log = logging.getLogger(__name__)

_WIDTHS = {
    "ArrayJobID": 12, "ArrayTaskID": 12, "State": 20, "Reason": 60, "RestartCnt": 6, "exit_code": 12,
    "SubmitTime": 12, "StartTime": 12, "EndTime": 12, "NodeList": 100, "MinMemory": 12,
    "Name": 120,
}  # fmt: skip
TASKS = (
    *("squeue", "--noheader", "--me", "--array", "--states=all"),
    f"--Format={','.join(f'{name}:.{width}|' for name, width in _WIDTHS.items())}",
)
"""A line for each task, also of those that ended lately."""
NAMES = (
    *("squeue", "--noheader", "--me", "--array", "--states=all"),
    "--Format=ArrayJobID:.12|,State:.20|,RestartCnt:.6|,NodeList:.20|,Name:.400|",
)
"""The same, as far as it tells whose they are and whether they have run."""

COMPLETING = "COMPLETING"
STATES = {
    "PENDING": JobState.IDLE,
    "CONFIGURING": JobState.IDLE,
    "REQUEUED": JobState.IDLE,
    "REQUEUE_FED": JobState.IDLE,
    "REQUEUE_HOLD": JobState.HELD,
    "RESV_DEL_HOLD": JobState.HELD,
    "SPECIAL_EXIT": JobState.HELD,
    "RUNNING": JobState.RUNNING,
    "RESIZING": JobState.RUNNING,
    "SIGNALING": JobState.RUNNING,
    "STAGE_OUT": JobState.RUNNING,
    "STOPPED": JobState.RUNNING,
    "SUSPENDED": JobState.RUNNING,
    "COMPLETED": JobState.SUCCEEDED,
    "BOOT_FAIL": JobState.FAILED,
    "DEADLINE": JobState.FAILED,
    "FAILED": JobState.FAILED,
    "LAUNCH_FAILED": JobState.FAILED,
    "NODE_FAIL": JobState.FAILED,
    "OUT_OF_MEMORY": JobState.FAILED,
    "PREEMPTED": JobState.FAILED,
    "TIMEOUT": JobState.FAILED,
    "CANCELLED": JobState.REMOVED,
}
"""What Slurm's states are for us; COMPLETING hides the one that comes after it."""
_NO_LOG = "0:53"
_named: set[str] = set()


class ArrayTask(NamedTuple):
    """One task of an array, as the queue tells it."""

    array: int
    task: int
    word: str
    reason: str
    restarts: int
    exit: str
    """CODE:SIGNAL of the script."""
    submitted: float
    started: float
    ended: float
    nodes: str
    memory: str
    set: str = ""
    """Of which submission it is: ids are given again by a controller that was killed."""

    @property
    def never_began(self) -> bool:
        """Whether Slurm ended it before anything of ours ran, since it could not open the job's log."""
        return self.word == "FAILED" and self.exit == _NO_LOG

    @property
    def state(self) -> JobState:
        """What it is for us."""
        if self.word == "PENDING" and is_hold(self.reason):
            return JobState.HELD
        return map_state(self.word)


_HELD_BY_SLURM = frozenset(("BadConstraints", "ReservationDeleted", "BurstBufferOperation"))
"""Reasons with which it takes a job's priority away, and leaves them though that is a hold: release helps."""


def is_hold(reason: str) -> bool:
    """Whether this is why a pending job is held, whoever did that."""
    return "held" in reason.lower() or reason.startswith("JobHold") or reason in _HELD_BY_SLURM


def map_state(word: str) -> JobState:
    """What a state of Slurm is for us; one that we don't know is `unknown`, and named once."""
    known = STATES.get(word)
    if known is None and word not in _named:
        _named.add(word)
        _log.warning("the state %s of Slurm is not known", word)
    return known or JobState.UNKNOWN


def parse_queue_tasks(
    lines: Iterable[str], arrays: Collection[int]
) -> Iterator[tuple[str, ArrayTask]]:
    """The tasks of these arrays, each with its line."""
    for line in lines:
        fields = [field.strip() for field in line.split("|")]
        if len(fields) <= len(_WIDTHS) or not fields[0].isdecimal() or int(fields[0]) not in arrays:
            continue
        (
            array,
            task,
            word,
            reason,
            restarts,
            code,
            submitted,
            started,
            ended,
            nodes,
            memory,
            text,
        ) = fields[: len(_WIDTHS)]
        if task.isdecimal() and (name := parse_array_name(text)):
            times = (
                _parse_epoch_time(submitted),
                _parse_epoch_time(started),
                _parse_epoch_time(ended),
            )
            yield (
                line,
                ArrayTask(
                    int(array),
                    int(task),
                    word,
                    reason,
                    _parse_number(restarts),
                    code,
                    *times,
                    nodes,
                    memory,
                    name.set,
                ),
            )


def _parse_number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _parse_epoch_time(text: str) -> float:
    return float(text) if text.isdecimal() else 0.0


class QueuedArray(NamedTuple):
    """What the queue shows of one of our arrays."""

    name: ArrayName
    unfinished_jobs: int
    """How many of its tasks are not over."""
    has_started: bool
    """Whether any of those that it shows ever ran."""


def parse_arrays(text: str) -> dict[int, QueuedArray]:
    """Our arrays by their ids."""
    found: dict[int, QueuedArray] = {}
    for line in text.splitlines():
        fields = [field.strip() for field in line.split("|")]
        name = parse_array_name(fields[4]) if len(fields) > 4 and fields[0].isdecimal() else None
        if name:
            left = int(fields[1] == COMPLETING or not map_state(fields[1]).is_over)
            has_started = _parse_number(fields[2]) > 0 or bool(fields[3])
            if before := found.get(int(fields[0])):
                left, has_started = left + before.unfinished_jobs, has_started or before.has_started
            found[int(fields[0])] = QueuedArray(name, left, has_started)
    return found
