"""What the events in one log mean for its jobs: the same from the same beginning, however it is read."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from batch import JobEvent
from batch.htcondor.blocks import Block, block_of
from batch.htcondor.order import MEMORY, TRANSFERS, WALLTIME
from domain.jobs import JobState

_log = logging.getLogger(__name__)

_CODE = re.compile(r"Code (\d+)(?: Subcode (-?\d+))?")
_BY_USER = re.compile(r" \(by user [^()]*\)$")
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
_POLICY = 3
_NOT_TOLD = frozenset((2, 3, 8, 10, 11, 21, 22, 23, 25, 26, 29, 30, 33, 34, 37, 38, 40, 41, 42, 43))
"""Of what changes no state: suspended, disconnected and found again, files transferred, and so on."""


@dataclass(slots=True)
class _Job:
    number: int
    attempt: int = 0
    state: JobState | None = None
    began: datetime | None = None
    memory_mb: float | None = None


@dataclass(slots=True)
class _Cluster:
    jobs: dict[int, _Job] = field(default_factory=dict)
    is_over: bool = False


class Story:
    """All clusters of one log (more than one are twins)."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = numbers
        self._clusters: dict[int, _Cluster] = {}
        self._waiting: dict[tuple[int, int], Block] = {}
        """Starts whose attempts have not been told yet."""
        self._named: set[int] = set()
        self._seen = 0
        self._tells: dict[int, Callable[[Block, _Job], JobEvent | None]] = {
            _SUBMIT: self._idle,
            _EXECUTE: self._started,
            4: self._evicted,
            5: self._terminated,
            6: self._grown,
            7: self._idle,
            9: self._aborted,
            12: self._held,
            13: self._idle,
            24: self._idle,
        }

    @property
    def is_over(self) -> bool:
        """True when nothing more is to be expected."""
        clusters = self._clusters.values()
        return bool(clusters) and all(each.is_over for each in clusters)

    def take(self, text: str, seen: int) -> list[JobEvent]:
        """What one block says of jobs; `seen` and a few more numbers behind it are its own."""
        if text.startswith(_AD_BEGINS) and not self._waiting:
            return []
        block = block_of(text)
        if block is None:
            return []
        cluster = self._clusters.get(block.cluster)
        if cluster is None:
            cluster = self._clusters[block.cluster] = _Cluster()
        self._seen = seen
        if block.proc < 0:
            return self._of_cluster(block, cluster)
        if block.proc >= len(self._numbers):
            return []
        job = cluster.jobs.get(block.proc)
        if job is None:
            job = cluster.jobs[block.proc] = _Job(self._numbers[block.proc])
        begun = self._begun(block, job) if self._waiting else None
        then = self._then(block, job)
        return [event for event in (begun, then) if event]

    def _of_cluster(self, block: Block, cluster: _Cluster) -> list[JobEvent]:
        if block.type != _CLUSTER_OVER:
            return []
        cluster.is_over = True
        found = _MATERIALIZED.search(block.body)
        first = int(found[1]) if found else 0
        never = [_Job(number) for number in self._numbers[first:]]
        text = "removed before it was in the queue"
        told = [self._tell(block, job, JobState.REMOVED, code=_PERSON, text=text) for job in never]
        return [event for event in told if event]

    def _begun(self, block: Block, job: _Job) -> JobEvent | None:
        """The start that was waiting for its attempt: told with it, or by whatever comes instead."""
        started = self._waiting.get(block.key)
        if started is None or (block.type == _AD and _trigger(block) != _EXECUTE):
            return None
        del self._waiting[block.key]
        count = block.value("NumShadowStarts") if block.type == _AD else None
        job.attempt = int(count) if count and count.isdecimal() else job.attempt + 1
        job.began, job.memory_mb = started.at, None
        slot = started.after("SlotName:")
        host = slot.rpartition("@")[2] if slot else None
        site = block.value("MachineAttrGLIDEIN_Site0")
        site = site if site and site != "undefined" else host
        return self._tell(started, job, JobState.RUNNING, slot=slot, site=site)

    def _then(self, block: Block, job: _Job) -> JobEvent | None:
        tells = self._tells.get(block.type)
        if tells is not None:
            return tells(block, job)
        if block.type not in (_AD, *_NOT_TOLD) and block.type not in self._named:
            self._named.add(block.type)
            _log.warning("event %s of HTCondor is not known: %s", block.type, block.text)
        return None

    def _started(self, block: Block, _: _Job) -> None:
        self._waiting[block.key] = block

    def _tell(self, block: Block, job: _Job, state: JobState, **more: Any) -> JobEvent | None:
        if job.state is not None and job.state.is_over:
            return None
        job.state = state
        seen, self._seen = self._seen, self._seen + 1
        told = str(block.cluster), job.number, job.attempt, state, block.at, seen
        return JobEvent(*told, **more)

    def _idle(self, block: Block, job: _Job) -> JobEvent | None:
        text = None if block.type == _SUBMIT else _reason(block) or block.text
        return self._tell(block, job, JobState.IDLE, text=text)

    def _evicted(self, block: Block, job: _Job) -> JobEvent | None:
        return self._tell(block, job, JobState.IDLE, text=block.text, **_used(block, job))

    def _grown(self, block: Block, job: _Job) -> None:
        found = _MEMORY_NOW.search(block.body)
        if found:
            job.memory_mb = max(job.memory_mb or 0.0, float(found[1]))

    def _terminated(self, block: Block, job: _Job) -> JobEvent | None:
        found = _END.search(block.body)
        code, signal = (each and int(each) for each in found.groups()) if found else (None, None)
        state = JobState.SUCCEEDED if code == 0 else JobState.FAILED
        return self._tell(block, job, state, exit_code=code, signal=signal, **_used(block, job))

    def _aborted(self, block: Block, job: _Job) -> JobEvent | None:
        return self._tell(block, job, JobState.REMOVED, code=_PERSON, text=_reason(block))

    def _held(self, block: Block, job: _Job) -> JobEvent | None:
        found = _CODE.search(block.body)
        code, subcode = (int(found[1]), int(found[2] or 0)) if found else (0, 0)
        over = limit(code, subcode)
        state = JobState.FAILED if over else JobState.HELD
        more = {"code": over or code, "subcode": subcode, "text": _reason(block)}
        return self._tell(block, job, state, **more, memory_mb=job.memory_mb)


def limit(code: int, subcode: int) -> int | None:
    """The code of the limit that a hold is the end for; None: it is only a hold."""
    if code == MEMORY or (code == _POLICY and subcode == MEMORY):
        return MEMORY
    if code in TRANSFERS:
        return code
    # 47 is the limit of the execution alone, which some pools set themselves.
    return WALLTIME if code in (WALLTIME, 47) else None


def _trigger(block: Block) -> int:
    number = block.value("TriggerEventTypeNumber")
    return int(number) if number and number.isdecimal() else -1


def _reason(block: Block) -> str | None:
    return _BY_USER.sub("", block.first) or None


def _used(block: Block, job: _Job) -> dict[str, float | None]:
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
