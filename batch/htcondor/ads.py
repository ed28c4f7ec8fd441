"""What one look at a job's ad adds to what was known of the job: the same from the same, and nothing twice."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from batch import JobEvent
from batch.htcondor.event_log import find_exceeded_limit, format_reason
from batch.journal import KnownJob
from domain.submissions.jobs import JobState
from domain.submissions.reports import MOST_MEASURE

WANTED = (
    "ClusterId", "ProcId", "JobStatus", "Owner", "QDate", "EnteredCurrentStatus",
    "NumShadowStarts", "NumJobReconnects", "ShadowBday", "JobCurrentStartDate", "JobCurrentStartExecutingDate",
    "RemoteHost", "LastRemoteHost", "MachineAttrGLIDEIN_Site0", "HoldReasonCode", "HoldReasonSubCode",
    "HoldReason", "LastHoldReasonCode", "LastHoldReasonSubCode", "LastHoldReason", "ReleaseReason",
    "VacateReason", "RemoveReason", "CompletionDate", "ExitCode", "ExitSignal", "RemoteUserCpu",
    "RemoteSysCpu", "MemoryUsage",
)  # fmt: skip
"""What is asked of each job, in the order of `JobAd`."""
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


class JobAd(NamedTuple):
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
    def of(cls, row: Sequence[Any]) -> "JobAd":
        """What was asked for by `WANTED`; what is of another kind than HTCondor's own is as if it were not said.

        Who submits a job, and the job itself, may put anything into its ad.
        """
        return cls._make(bound(value) for bound, value in zip(_BOUNDS, row, strict=True))

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


def _read_integer(value: object) -> int | None:
    return value if type(value) is int and value in _NUMBERS else None


def _read_count(value: object) -> int:
    return _read_integer(value) or 0


def _read_measure(value: object) -> float | None:
    return float(value) if type(value) in (int, float) and 0 <= value <= MOST_MEASURE else None  # type: ignore[arg-type, operator]


def _read_text(value: object) -> str | None:
    return value if isinstance(value, str) else None


_NUMBERS = range(-(1 << 31), 1 << 37)
"""Of codes, counts and seconds: those from which a time can be made, until the year 6325."""
_KINDS = {
    int: _read_count,
    int | None: _read_integer,
    float | None: _read_measure,
    str | None: _read_text,
}
_BOUNDS = [_KINDS[kind] for kind in JobAd.__annotations__.values()]


def derive_job_events(
    number: int, ad: JobAd, known: KnownJob | None, reported: int = 0
) -> Iterator[JobEvent]:
    """What is to be told of a job, in order; native id and place are the reader's to add.

    `reported` is the attempt of which a report came back, which knows its own number best.
    """
    if known is None:
        known = KnownJob(JobState.IDLE, 0)
        yield _make_event(number, *known.as_told, ad.submitted)
    if known.state.is_over or ad.is_stopping:
        return
    if ad.executed is not None and ad.executed > known.began:
        if known.state is not JobState.IDLE:
            yield _make_event(
                number, JobState.IDLE, known.attempt, ad.entered, text=_explain_idle(ad, known)
            )
        slot = ad.host or ad.last_host
        where: dict[str, Any] = {
            "slot": slot,
            "site": ad.site or (slot and slot.rpartition("@")[2]),
        }
        attempt = reported if reported > known.attempt else _count_attempts(ad, known)
        known = KnownJob(JobState.RUNNING, attempt, ad.executed, ad.executed)
        yield _make_event(number, *known.as_told, ad.executed, **where)
    state = ad.state
    if state is JobState.HELD and known.state is JobState.HELD and ad.entered > known.at:
        yield _make_event(
            number, JobState.IDLE, known.attempt, ad.entered, text=_explain_idle(ad, known)
        )
    elif state is known.state:
        return
    yield from _describe_current_state(number, ad, state, known, reported)


def _count_attempts(ad: JobAd, known: KnownJob) -> int:
    count = count_starts(ad)
    return max(known.attempt + 1, count if ad.executes else count - 1)


def count_starts(ad: JobAd) -> int:
    """How many times it has been started: what its own ad told the job when it began to run.

    A shadow that finds a job again counts as a start, too, and so does one that is only looking for it.
    """
    starts, again = ad.starts or 1, ad.reconnects or 0
    is_first = ad.shadow_since == ad.started or (ad.shadow_since is None and not again)
    return starts if is_first else starts - max(1, again)


def _make_event(number: int, state: JobState, attempt: int, at: float, **more: Any) -> JobEvent:
    return JobEvent("", number, attempt, state, datetime.fromtimestamp(at, UTC), 0, **more)


def _describe_current_state(
    number: int, ad: JobAd, state: JobState, known: KnownJob, reported: int
) -> Iterator[JobEvent]:
    told, attempt, at = dict[str, Any](), known.attempt, float(ad.entered)
    match state:
        case JobState.RUNNING:
            at = float(ad.executed or ad.entered)
        case JobState.IDLE:
            told["text"] = _explain_idle(ad, known)
            told |= _measure_usage(ad, known, at) if known.state is JobState.RUNNING else {}
        case JobState.HELD:
            state, told = _describe_hold(ad, ad.hold_code, ad.hold_subcode, ad.hold_reason)
        case JobState.REMOVED:
            state, told = _describe_removal(ad)
        case JobState.SUCCEEDED:
            at = float(ad.completed or ad.entered)
            told = {
                "exit_code": ad.exit_code,
                "signal": ad.exit_signal,
                **_measure_usage(ad, known, at),
            }
            state = JobState.SUCCEEDED if ad.exit_code == 0 else JobState.FAILED
            attempt = attempt or ad.starts or 1
        case JobState.UNKNOWN:
            told["text"] = f"HTCondor calls it {ad.status}"
    yield _make_event(number, state, max(attempt, reported), at, **told)


def _describe_hold(
    ad: JobAd, code: int | None, subcode: int | None, reason: str | None
) -> tuple[JobState, dict[str, Any]]:
    over = find_exceeded_limit(code or 0, subcode or 0)
    told = {"code": over or code, "subcode": subcode, "text": format_reason(reason, ad.owner)}
    return JobState.FAILED if over else JobState.HELD, told | {"memory_mb": ad.memory_mb}


def _describe_removal(ad: JobAd) -> tuple[JobState, dict[str, Any]]:
    """A job over a limit is held, which is its end, and taken out of the queue by its own policy."""
    held, told = _describe_hold(ad, ad.last_hold_code, ad.last_hold_subcode, ad.last_hold_reason)
    if held is JobState.FAILED and "PeriodicRemove" in (ad.remove_reason or ""):
        return held, told
    return JobState.REMOVED, {"code": _PERSON, "text": format_reason(ad.remove_reason, ad.owner)}


def _explain_idle(ad: JobAd, known: KnownJob) -> str | None:
    return format_reason(
        ad.release_reason if known.state is JobState.HELD else ad.vacate_reason, ad.owner
    )


def _measure_usage(ad: JobAd, known: KnownJob, at: float) -> dict[str, float | None]:
    cpu = None if ad.user_s is None else ad.user_s + (ad.system_s or 0.0)
    wall = max(0.0, at - known.began) if known.began else None
    return {"cpu_s": cpu, "wall_s": wall, "memory_mb": ad.memory_mb}
