"""What one look at a job's ad adds to what was known of the job: the same from the same, and nothing twice."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from batch import JobEvent
from batch.htcondor.story import limit
from batch.journal import Known
from domain.jobs import JobState

WANTED = (
    "ClusterId", "ProcId", "JobStatus", "Owner", "QDate", "EnteredCurrentStatus",
    "NumShadowStarts", "NumJobReconnects", "ShadowBday", "JobCurrentStartDate", "JobCurrentStartExecutingDate",
    "RemoteHost", "LastRemoteHost", "MachineAttrGLIDEIN_Site0", "HoldReasonCode", "HoldReasonSubCode",
    "HoldReason", "LastHoldReasonCode", "LastHoldReasonSubCode", "LastHoldReason", "ReleaseReason",
    "VacateReason", "RemoveReason", "CompletionDate", "ExitCode", "ExitSignal", "RemoteUserCpu",
    "RemoteSysCpu", "MemoryUsage",
)  # fmt: skip
"""What is asked of each job, in the order of `Ad`."""
_PERSON, _SPOOLING = 1, 16
_RUNNING, _REMOVED, _COMPLETED, _HELD, _SENDING, _SUSPENDED = 2, 3, 4, 5, 6, 7
_STATES = {
    1: JobState.IDLE,
    _RUNNING: JobState.RUNNING,
    _REMOVED: JobState.REMOVED,
    _COMPLETED: JobState.SUCCEEDED,
    _HELD: JobState.HELD,
    _SENDING: JobState.RUNNING,
    _SUSPENDED: JobState.RUNNING,
}
_BY = re.compile(r" \(by user ([^()]*)\)$")


class Ad(NamedTuple):
    """A job as the queue or the history shows it; what its ad does not say is None."""

    cluster: int
    proc: int
    status: int
    owner: str | None
    submitted: int
    entered: int
    starts: int | None
    reconnects: int | None
    shadow_since: int | None
    """Since when it has the shadow that it has."""
    started: int | None
    """When a shadow was started to run it, and not to find it again."""
    executed: int | None
    """When it last began to run."""
    host: str | None
    """Where something of it may still be alive."""
    last_host: str | None
    site: str | None
    hold_code: int | None
    hold_subcode: int | None
    hold_reason: str | None
    last_hold_code: int | None
    last_hold_subcode: int | None
    last_hold_reason: str | None
    release_reason: str | None
    vacate_reason: str | None
    remove_reason: str | None
    completed: int | None
    exit_code: int | None
    exit_signal: int | None
    user_s: float | None
    system_s: float | None
    memory_mb: float | None

    @classmethod
    def of(cls, row: Sequence[Any]) -> "Ad":
        """What was asked for by `WANTED`."""
        return cls(*row)

    @property
    def state(self) -> JobState:
        """What it is for us, limits and exit codes apart."""
        if self.status == _HELD and self.hold_code == _SPOOLING:
            return JobState.IDLE
        state = _STATES.get(self.status, JobState.UNKNOWN)
        return state if state is not JobState.RUNNING or self.executes else JobState.IDLE

    @property
    def executes(self) -> bool:
        """Whether what was started last has begun to run: its inputs are there."""
        return self.executed is not None and self.executed >= (self.started or 0)

    @property
    def is_stopping(self) -> bool:
        """Whether something of it runs, though it is said to be held, removed or over."""
        return self.host is not None and self.status not in (_RUNNING, _SENDING, _SUSPENDED)

    @property
    def has_completed(self) -> bool:
        """Whether it ended by itself, with all that it leaves behind at the schedd."""
        return self.status == _COMPLETED and not self.is_stopping


def news(number: int, ad: Ad, known: Known | None, reported: int = 0) -> Iterator[JobEvent]:
    """What is to be told of a job, in order; native id and place are the reader's to add.

    `reported` is the attempt of which a report came back, which knows its own number best.
    """
    if known is None:
        known = Known(JobState.IDLE, 0)
        yield _event(number, *known.as_told, ad.submitted)
    if known.state.is_over or ad.is_stopping:
        return
    if ad.executed is not None and ad.executed > known.began:
        if known.state is not JobState.IDLE:
            yield _event(
                number, JobState.IDLE, known.attempt, ad.entered, text=_why_idle(ad, known)
            )
        slot = ad.host or ad.last_host
        where: dict[str, Any] = {
            "slot": slot,
            "site": ad.site or (slot and slot.rpartition("@")[2]),
        }
        attempt = reported if reported > known.attempt else _attempt(ad, known)
        known = Known(JobState.RUNNING, attempt, ad.executed, ad.executed)
        yield _event(number, *known.as_told, ad.executed, **where)
    state = ad.state
    if state is JobState.HELD and known.state is JobState.HELD and ad.entered > known.at:
        yield _event(number, JobState.IDLE, known.attempt, ad.entered, text=_why_idle(ad, known))
    elif state is known.state:
        return
    yield from _now(number, ad, state, known, reported)


def _attempt(ad: Ad, known: Known) -> int:
    """How many times it had been started when it began to run: what its own ad told the job.

    A shadow that finds a job again counts as a start, too, and so does one that is only looking for it.
    """
    starts, again = ad.starts or 1, ad.reconnects or 0
    is_first = ad.shadow_since == ad.started or (ad.shadow_since is None and not again)
    count = starts if is_first else starts - max(1, again)
    return max(known.attempt + 1, count if ad.executes else count - 1)


def _event(number: int, state: JobState, attempt: int, at: float, **more: Any) -> JobEvent:
    return JobEvent("", number, attempt, state, datetime.fromtimestamp(at, UTC), 0, **more)


def _now(number: int, ad: Ad, state: JobState, known: Known, reported: int) -> Iterator[JobEvent]:
    told, attempt, at = dict[str, Any](), known.attempt, float(ad.entered)
    match state:
        case JobState.RUNNING:
            at = float(ad.executed or ad.entered)
        case JobState.IDLE:
            told["text"] = _why_idle(ad, known)
            told |= _used(ad, known, at) if known.state is JobState.RUNNING else {}
        case JobState.HELD:
            state, told = _held(ad, ad.hold_code, ad.hold_subcode, ad.hold_reason)
        case JobState.REMOVED:
            state, told = _removed(ad)
        case JobState.SUCCEEDED:
            at = float(ad.completed or ad.entered)
            told = {"exit_code": ad.exit_code, "signal": ad.exit_signal, **_used(ad, known, at)}
            state = JobState.SUCCEEDED if ad.exit_code == 0 else JobState.FAILED
            attempt = attempt or ad.starts or 1
        case JobState.UNKNOWN:
            told["text"] = f"HTCondor calls it {ad.status}"
    yield _event(number, state, max(attempt, reported), at, **told)


def _held(
    ad: Ad, code: int | None, subcode: int | None, reason: str | None
) -> tuple[JobState, dict[str, Any]]:
    over = limit(code or 0, subcode or 0)
    told = {"code": over or code, "subcode": subcode, "text": _said(ad, reason)}
    return JobState.FAILED if over else JobState.HELD, told | {"memory_mb": ad.memory_mb}


def _removed(ad: Ad) -> tuple[JobState, dict[str, Any]]:
    """A job over a limit is held, which is its end, and taken out of the queue by its own policy."""
    held, told = _held(ad, ad.last_hold_code, ad.last_hold_subcode, ad.last_hold_reason)
    if held is JobState.FAILED and "PeriodicRemove" in (ad.remove_reason or ""):
        return held, told
    return JobState.REMOVED, {"code": _PERSON, "text": _said(ad, ad.remove_reason)}


def _why_idle(ad: Ad, known: Known) -> str | None:
    return _said(ad, ad.release_reason if known.state is JobState.HELD else ad.vacate_reason)


def _said(ad: Ad, reason: str | None) -> str | None:
    """A reason, and by whom where that is not the job's owner."""
    found = _BY.search(reason or "")
    if reason and found and found[1].partition("@")[0] == ad.owner:
        return reason[: found.start()] or None
    return reason or None


def _used(ad: Ad, known: Known, at: float) -> dict[str, float | None]:
    cpu = None if ad.user_s is None else ad.user_s + (ad.system_s or 0.0)
    wall = max(0.0, at - known.began) if known.began else None
    return {"cpu_s": cpu, "wall_s": wall, "memory_mb": ad.memory_mb}
