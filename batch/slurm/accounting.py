"""Slurm's accounting: what slurmdbd has of jobs that ended, by one call of sacct for all that are asked about."""

import re
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from batch import BatchRefused, BatchUnavailable
from batch.slurm.order import ArrayName, parse_array_name
from batch.slurm.programs import SlurmPrograms
from batch.slurm.queue import ArrayTask
from batch.slurm.record import REST, Ends, LaunchTraces, MarkRecord

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
_NOW = re.compile(r"^sdiag output at .*\((\d+)\)", re.MULTILINE)
_MARGIN_S, _DAY_S, _LONGEST_S = 3600.0, 86400.0, 7 * 86400.0


@dataclass(frozen=True, slots=True)
class AccountingRecord:
    """What the controller has told slurmdbd, which may be late or away."""

    programs: SlurmPrograms
    booted: float | None
    """When the controller was started."""

    proof = (
        ", and accounting (slurmdbd) has those that are gone, once the controller has told it of all: not while"
        " either is away, nor of launches from before the controller's last start or of more than a week ago"
    )

    def read_ends(self, sets: Mapping[str, Collection[int]]) -> Mapping[str, Ends]:
        """How the tasks of these sets ended."""
        arrays = sorted({array for each in sets.values() for array in each})
        told = self._run_sacct(f"--jobs={','.join(map(str, arrays))}")
        return {set_: each for set_, each in parse_task_ends(told).items() if set_ in sets}

    def state(self) -> str:
        """Nothing: what it may have lost is known by its age, and by the controller's start."""
        return ""

    def read_mark(self, mark: str, traces: LaunchTraces) -> MarkRecord:
        """The arrays that carried the mark, and have started or ended."""
        age = traces.age_s
        if age is None or age > _LONGEST_S:
            doubt = "the launch directory is gone, or older than a week: accounting may have been purged"
            return MarkRecord({}, doubt=doubt)
        try:
            # By the controller's clock, which times in accounting are of, whatever ours says.
            began = self._now() - age
            since = f"--starttime={_format_sacct_time(began - _MARGIN_S)}"
            until = f"--endtime={_format_sacct_time(began + age + _DAY_S)}"
            told = self._run_sacct(since, until, f"--state={_RAN_OR_ENDED}")
        except (BatchUnavailable, BatchRefused) as wrong:
            return MarkRecord({}, doubt=str(wrong))
        found = parse_array_names(told, mark)
        if self.booted is None or self.booted > began:
            # What waited to be told is lost when a controller is killed.
            doubt = "the controller was started since: accounting may lack what was not told before"
            return MarkRecord(found, doubt=doubt)
        return MarkRecord(found, "neither the queue nor accounting has it")

    def _now(self) -> float:
        said = _NOW.search(self.programs.run("sdiag"))
        if said is None:
            raise BatchUnavailable("Slurm: sdiag does not say what time it is for the controller")
        return float(said[1])

    def _run_sacct(self, *narrowed: str) -> str:
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


def parse_task_ends(text: str) -> dict[str, dict[tuple[int, int], ArrayTask]]:
    """By set, how tasks ended whose last run is over."""
    found: dict[str, dict[tuple[int, int], ArrayTask]] = {}
    # Each run of a job that was put back has a line, and a time of submission of its own.
    for _, task in sorted(_parse_tasks(text), key=lambda told: told[1].submitted):
        found.setdefault(task.set, {})[task.array, task.task] = task
    return {
        set_: {place: task for place, task in each.items() if task.state.is_over}
        for set_, each in found.items()
    }


def parse_array_names(text: str, mark: str) -> dict[int, ArrayName]:
    """The arrays that carried a mark."""
    return {task.array: name for name, task in _parse_tasks(text) if name.mark == mark}


def _parse_tasks(text: str) -> Iterator[tuple[ArrayName, ArrayTask]]:
    for line in text.splitlines():
        fields = line.split("|")
        job = _JOB.fullmatch(fields[0])
        name = parse_array_name(fields[1]) if job and len(fields) == len(_FIELDS) else None
        if job and name:
            yield name, _make_task(job, name, *fields[2:])


def _make_task(job: re.Match[str], name: ArrayName, state: str, code: str, *more: str) -> ArrayTask:
    submitted, started, ended, nodes = more
    return ArrayTask(
        array=int(job[1]),
        task=int(job[2]) if job[2] else REST,
        word=state.partition(" ")[0],
        reason="",
        restarts=0,
        exit=code,
        submitted=_parse_epoch_time(submitted),
        started=_parse_epoch_time(started),
        ended=_parse_epoch_time(ended),
        nodes="" if nodes == "None assigned" else nodes,
        memory="",
        set=name.set,
    )


def _format_sacct_time(at: float) -> str:
    """As sacct takes it in any zone: so far from now, which is by our clock there as here."""
    return f"now{at - time.time():+.0f}seconds"


def _parse_epoch_time(text: str) -> float:
    return float(text) if text.isdecimal() else 0.0
