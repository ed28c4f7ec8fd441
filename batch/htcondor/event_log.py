"""What the events in one log mean for its jobs: the same from the same beginning, however it is read."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from batch import JobEvent
from batch.htcondor.blocks import EventBlock, parse_block
from batch.htcondor.order import MEMORY, TRANSFERS, WALLTIME
from batch.journal import KnownJob
from domain.submissions.jobs import JobState

_log = logging.getLogger(__name__)

_CODE = re.compile(r"Code (\d+)(?: Subcode (-?\d+))?")
_BY_USER = re.compile(r" \(by user ([^()]*)\)$")
_ZONES = timedelta(minutes=15)
"""What the offsets of all time zones are multiples of."""
_END = re.compile(
    r"\((?:1\) Normal termination \(return value (-?\d+)|0\) Abnormal termination \(signal (\d+))\)"
)
_CPU = re.compile(
    r"Usr (\d+) (\d+):(\d+):(\d+), Sys (\d+) (\d+):(\d+):(\d+)\s+-\s+Run Remote Usage"
)
_MEMORY_ROW = re.compile(r"Memory \(MB\)\s*:\s*(\d+)\s+\d+\s+\d+")
_MEMORY_NOW = re.compile(r"(\d+)\s+-\s+MemoryUsage of job \(MB\)")
_MATERIALIZED = re.compile(r"Materialized (\d+) jobs")
_PERSON, _EXECUTE, _SUBMIT, _CLUSTER, _CLUSTER_OVER, _AD = 1, 1, 0, 35, 36, 28
_AD_BEGINS = f"{_AD:03d} "
_ATTEMPT_NEEDED = frozenset((4, 5, 7, 12, 13, 24))
"""Of what may end an attempt: which one, the ad says, where the log has lost the start of it."""
_POLICY = 3
_NOT_TOLD = frozenset((2, 3, 8, 10, 11, 21, 22, 23, 25, 26, 29, 30, 33, 34, 37, 38, 40, 41, 42, 43))
"""Of what changes no state: suspended, disconnected and found again, files transferred, and so on."""


@dataclass(slots=True)
class _Job:
    number: int
    attempt: int = 0
    state: JobState | None = None
    at: datetime | None = None
    began: datetime | None = None
    memory_mb: float | None = None


@dataclass(slots=True)
class _Cluster:
    jobs: dict[int, _Job] = field(default_factory=dict)
    is_over: bool = False
    owner: str | None = None
    submitted: datetime | None = None
    """When it was, by the clock of the log."""
    ahead: timedelta = timedelta(0)
    """So much later is it by that clock, which has the time zone of the schedd."""


class EventLog:
    """All clusters of one log (more than one are duplicates)."""

    def __init__(self, numbers: Sequence[int], mark: str) -> None:
        self._numbers, self._mark = numbers, mark
        self._clusters: dict[int, _Cluster] = {}
        self._waiting: dict[tuple[int, int], EventBlock] = {}
        """What can't be told before the ad that follows has said of which attempt it is."""
        self._new: set[int] = set()
        """Clusters that were submitted and of which no ad has been read."""
        self._named: set[int] = set()
        self._sequence = 0
        self._tells: dict[int, Callable[[EventBlock, _Job], JobEvent | None]] = {
            _SUBMIT: self._idle,
            _EXECUTE: self._read_start,
            4: self._read_eviction,
            5: self._read_termination,
            6: self._grown,
            7: self._idle,
            9: self._read_abort,
            12: self._held,
            13: self._idle,
            24: self._idle,
        }

    @property
    def is_over(self) -> bool:
        """True when nothing more is to be expected."""
        clusters = self._clusters.values()
        return bool(clusters) and all(each.is_over for each in clusters)

    @property
    def clusters(self) -> list[int]:
        """The clusters of which anything was said."""
        return sorted(self._clusters)

    def list_known_jobs(self, cluster: int) -> dict[int, KnownJob]:
        """By number, how the jobs of one cluster were told last."""
        jobs = self._clusters.get(cluster, _Cluster()).jobs.values()
        return {job.number: _know_state(job, job.state) for job in jobs if job.state is not None}

    def take(self, text: str, sequence: int) -> list[JobEvent]:
        """What one block says of jobs; `sequence` and a few more numbers behind it are its own.

        One that says what could not be, where somebody else wrote into the log, says nothing.
        """
        try:
            return self._take(text, sequence)
        except (ValueError, ArithmeticError) as wrong:
            _log.warning("a block of a log is left out: %s: %.500s", wrong, text)
            return []

    def _take(self, text: str, sequence: int) -> list[JobEvent]:
        if text.startswith(_AD_BEGINS) and not self._waiting and not self._new:
            return []
        block = parse_block(text)
        if block is None:
            return []
        cluster = self._clusters.get(block.cluster)
        if cluster is None:
            cluster = self._clusters[block.cluster] = _Cluster()
        self._sequence = sequence
        if cluster.submitted is None or self._new:
            self._introduce(block, cluster)
        if cluster.ahead:
            block = block._replace(at=block.at - cluster.ahead)
        if block.proc < 0:
            return self._of_cluster(block, cluster)
        return self._of_job(block, cluster) if block.proc < len(self._numbers) else []

    def _of_job(self, block: EventBlock, cluster: _Cluster) -> list[JobEvent]:
        job = cluster.jobs.get(block.proc)
        if job is None:
            job = cluster.jobs[block.proc] = _Job(self._numbers[block.proc])
        before = self._tell_waiting(block, job) if self._waiting else None
        then = self._then(block, job)
        return [event for event in (before, then) if event]

    def _introduce(self, block: EventBlock, cluster: _Cluster) -> None:
        """Know owner and clock by the first ad, which follows the submission of the first job."""
        if block.type == _SUBMIT and cluster.submitted is None:
            cluster.submitted = block.at
            self._new.add(block.cluster)
        elif block.cluster in self._new and block.proc >= 0:
            self._new.discard(block.cluster)
            cluster.owner, since = block.value("Owner"), block.value("QDate")
            if cluster.submitted and since and since.isdecimal():
                ahead = cluster.submitted - datetime.fromtimestamp(int(since), UTC)
                cluster.ahead = round(ahead / _ZONES) * _ZONES

    def _of_cluster(self, block: EventBlock, cluster: _Cluster) -> list[JobEvent]:
        if block.type != _CLUSTER_OVER:
            return []
        cluster.is_over = True
        found = _MATERIALIZED.search(block.body)
        first = int(found[1]) if found else 0
        never = [
            cluster.jobs.setdefault(proc, _Job(number))
            for proc, number in enumerate(self._numbers)
            if proc >= first
        ]
        text = "removed before it was in the queue"
        told = [self._tell(block, job, JobState.REMOVED, code=_PERSON, text=text) for job in never]
        return [event for event in told if event]

    def _tell_waiting(self, block: EventBlock, job: _Job) -> JobEvent | None:
        """What was waiting for its attempt: told with its ad, or by whatever comes instead."""
        waiting = self._waiting.get(block.key)
        if waiting is None or (block.type == _AD and _parse_trigger_code(block) != waiting.type):
            return None
        del self._waiting[block.key]
        count = block.value("NumShadowStarts") if block.type == _AD else None
        is_start = waiting.type == _EXECUTE
        job.attempt = int(count) if count and count.isdecimal() else job.attempt + is_start
        return (
            self._begin(waiting, block, job)
            if is_start
            else self._tells[waiting.type](waiting, job)
        )

    def _begin(self, started: EventBlock, block: EventBlock, job: _Job) -> JobEvent | None:
        job.began, job.memory_mb = started.at, None
        slot = started.after("SlotName:")
        host = slot.rpartition("@")[2] if slot else None
        site = block.value("MachineAttrGLIDEIN_Site0")
        site = site if site and site != "undefined" else host
        return self._tell(started, job, JobState.RUNNING, slot=slot, site=site)

    def _then(self, block: EventBlock, job: _Job) -> JobEvent | None:
        if block.type in _ATTEMPT_NEEDED and job.state is not JobState.RUNNING:
            self._waiting[block.key] = block
            return None
        tells = self._tells.get(block.type)
        if tells is not None:
            return tells(block, job)
        if block.type not in (_AD, *_NOT_TOLD) and block.type not in self._named:
            self._named.add(block.type)
            _log.warning("event %s of HTCondor is not known: %s", block.type, block.text)
        return None

    def _read_start(self, block: EventBlock, _: _Job) -> None:
        self._waiting[block.key] = block

    def _tell(self, block: EventBlock, job: _Job, state: JobState, **more: Any) -> JobEvent | None:
        if job.state is not None and job.state.is_over:
            return None
        job.state, job.at = state, block.at
        sequence, self._sequence = self._sequence, self._sequence + 1
        told = str(block.cluster), job.number, job.attempt, state, block.at, sequence
        return JobEvent(*told, **more, mark=self._mark)

    def _idle(self, block: EventBlock, job: _Job) -> JobEvent | None:
        text = None if block.type == _SUBMIT else self._reason(block) or block.text
        return self._tell(block, job, JobState.IDLE, text=text)

    def _read_eviction(self, block: EventBlock, job: _Job) -> JobEvent | None:
        return self._tell(block, job, JobState.IDLE, text=block.text, **_measure_usage(block, job))

    def _grown(self, block: EventBlock, job: _Job) -> None:
        found = _MEMORY_NOW.search(block.body)
        if found:
            job.memory_mb = max(job.memory_mb or 0.0, float(found[1]))

    def _read_termination(self, block: EventBlock, job: _Job) -> JobEvent | None:
        found = _END.search(block.body)
        code, signal = (each and int(each) for each in found.groups()) if found else (None, None)
        state = JobState.SUCCEEDED if code == 0 else JobState.FAILED
        return self._tell(
            block, job, state, exit_code=code, signal=signal, **_measure_usage(block, job)
        )

    def _reason(self, block: EventBlock) -> str | None:
        return format_reason(block.first, self._clusters[block.cluster].owner)

    def _read_abort(self, block: EventBlock, job: _Job) -> JobEvent | None:
        return self._tell(block, job, JobState.REMOVED, code=_PERSON, text=self._reason(block))

    def _held(self, block: EventBlock, job: _Job) -> JobEvent | None:
        found = _CODE.search(block.body)
        code, subcode = (int(found[1]), int(found[2] or 0)) if found else (0, 0)
        over = find_exceeded_limit(code, subcode)
        state = JobState.FAILED if over else JobState.HELD
        more = {"code": over or code, "subcode": subcode, "text": self._reason(block)}
        return self._tell(block, job, state, **more, memory_mb=job.memory_mb)


def _know_state(job: _Job, state: JobState) -> KnownJob:
    began, at = (0.0 if moment is None else moment.timestamp() for moment in (job.began, job.at))
    return KnownJob(state, job.attempt, began, at)


def find_exceeded_limit(code: int, subcode: int) -> int | None:
    """The code of the limit that a hold is the end for; None: it is only a hold."""
    if code == MEMORY or (code == _POLICY and subcode == MEMORY):
        return MEMORY
    if code in TRANSFERS:
        return code
    # 47 is the limit of the execution alone, which some pools set themselves.
    return WALLTIME if code in (WALLTIME, 47) else None


def _parse_trigger_code(block: EventBlock) -> int:
    number = block.value("TriggerEventTypeNumber")
    return int(number) if number and number.isdecimal() else -1


def format_reason(text: str | None, owner: str | None) -> str | None:
    """A reason, and by whom where that is not the job's owner."""
    found = _BY_USER.search(text or "")
    if text and found and found[1].partition("@")[0] == owner:
        return text[: found.start()] or None
    return text or None


def _measure_usage(block: EventBlock, job: _Job) -> dict[str, float | None]:
    text = block.body
    used: dict[str, float | None] = {"cpu_s": None, "wall_s": None}
    found = _CPU.search(text)
    if found:
        days, h, m, s, days2, h2, m2, s2 = map(int, found.groups())
        used["cpu_s"] = (days + days2) * 86400.0 + (h + h2) * 3600 + (m + m2) * 60 + s + s2
    if job.began is not None:
        used["wall_s"] = max(0.0, (block.at - job.began).total_seconds())
    row = _MEMORY_ROW.search(text)
    peak = max(job.memory_mb or 0.0, float(row[1]) if row else 0.0)
    return {**used, "memory_mb": peak or None}
