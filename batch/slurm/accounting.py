"""Slurm's accounting: what slurmdbd has of jobs that ended, by one call of sacct for all that are asked about."""

import re
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from batch import BatchRefused, BatchUnavailable
from batch.slurm.order import Name, named
from batch.slurm.programs import Programs
from batch.slurm.queue import Task
from batch.slurm.record import REST, Ends, Kept

_FIELDS = ("JobID", "JobName", "State", "ExitCode", "Submit", "Start", "End", "NodeList")
SACCT = (
    *("sacct", "--allocations", "--duplicates", "--parsable2", "--noheader"),
    f"--format={','.join(_FIELDS)}",
)
"""Text, as the JSON of older ones has wrong exit codes; duplicates, as a job of the same id hides those before it."""
_RAN_OR_ENDED = "BF,CA,CD,DL,F,NF,OOM,PR,R,TO"
"""With states, sacct goes by when a job ended; without, it leaves out what was cancelled before it might start."""
_JOB = re.compile(r"(\d+)_(?:(\d+)|\[.*)", re.ASCII)
_QUEUED = re.compile(r"^DBD Agent queue size:\s*(\d+)", re.MULTILINE)
_MARGIN_S, _LONGEST_S = 3600.0, 7 * 86400.0


@dataclass(frozen=True, slots=True)
class Accounting:
    """What the controller has told slurmdbd, which may be late or away."""

    programs: Programs
    booted: float | None
    """When the controller was started."""

    proof = (
        ", and accounting (slurmdbd) has those that are gone, once the controller has told it of all: not while"
        " either is away, nor of launches from before the controller's last start or of more than a week ago"
    )

    def ended(self, sets: Mapping[str, Collection[int]]) -> Mapping[str, Ends]:
        """How the tasks of these sets ended."""
        arrays = sorted({array for each in sets.values() for array in each})
        told = self._told(f"--jobs={','.join(map(str, arrays))}")
        return {set_: each for set_, each in ends(told).items() if set_ in sets}

    def kept(self, mark: str, began: float | None) -> Kept:
        """The arrays that carried the mark, and have started or ended."""
        if began is None or time.time() - began > _LONGEST_S:
            doubt = "the launch directory is gone, or older than a week: accounting may have been purged"
            return Kept({}, doubt=doubt)
        since = f"--starttime=now-{time.time() - began + _MARGIN_S:.0f}seconds"
        try:
            told = self._told(since, "--endtime=now+1days", f"--state={_RAN_OR_ENDED}")
        except (BatchUnavailable, BatchRefused) as wrong:
            return Kept({}, doubt=str(wrong))
        found = names(told, mark)
        if self.booted is None or self.booted > began:
            # What waited to be told is lost when a controller is killed.
            doubt = "the controller was started since: accounting may lack what was not told before"
            return Kept(found, doubt=doubt)
        return Kept(found, "neither the queue nor accounting has it")

    def _told(self, *narrowed: str) -> str:
        waiting = _QUEUED.search(self.programs.run("sdiag"))
        if waiting is None or int(waiting[1]):
            many = waiting[1] if waiting else "?"
            raise BatchUnavailable(
                f"Slurm: accounting has not been told of everything ({many} to go)"
            )
        try:
            return self.programs.run(*SACCT, *narrowed, SLURM_TIME_FORMAT="%s")
        except (BatchUnavailable, BatchRefused) as wrong:
            raise type(wrong)(f"accounting can't be asked: {wrong}") from wrong


def ends(text: str) -> dict[str, dict[tuple[int, int], Task]]:
    """By set, how tasks ended whose last run is over."""
    found: dict[str, dict[tuple[int, int], Task]] = {}
    # Each run of a job that was put back has a line, and a time of submission of its own.
    for _, task in sorted(_tasks(text), key=lambda told: told[1].submitted):
        found.setdefault(task.set, {})[task.array, task.task] = task
    return {
        set_: {place: task for place, task in each.items() if task.state.is_over}
        for set_, each in found.items()
    }


def names(text: str, mark: str) -> dict[int, Name]:
    """The arrays that carried a mark."""
    return {task.array: name for name, task in _tasks(text) if name.mark == mark}


def _tasks(text: str) -> Iterator[tuple[Name, Task]]:
    for line in text.splitlines():
        fields = line.split("|")
        job = _JOB.fullmatch(fields[0])
        name = named(fields[1]) if job and len(fields) == len(_FIELDS) else None
        if job and name:
            yield name, _task(job, name, *fields[2:])


def _task(job: re.Match[str], name: Name, state: str, code: str, *more: str) -> Task:
    submitted, started, ended, nodes = more
    return Task(
        array=int(job[1]),
        task=int(job[2]) if job[2] else REST,
        word=state.partition(" ")[0],
        reason="",
        restarts=0,
        exit=code,
        submitted=_time(submitted),
        started=_time(started),
        ended=_time(ended),
        nodes="" if nodes == "None assigned" else nodes,
        memory="",
        set=name.set,
    )


def _time(text: str) -> float:
    return float(text) if text.isdecimal() else 0.0
