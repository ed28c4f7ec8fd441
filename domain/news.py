"""What a batch of a batch system's events, with the payloads' reports, means for each job."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from domain.jobs import JobState
from domain.lineage import Generations, Made, generations


class JobNews(NamedTuple):
    """One job (or one attempt of it) after the events: the newest state, and when it started and ended.

    A tuple, since there are thousands of them a second.
    """

    submission_id: int
    number: int
    attempt: int
    state: JobState
    seen: int
    exit_code: int | None = None
    signal: int | None = None
    code: int | None = None
    subcode: int | None = None
    text: str | None = None
    site: str | None = None
    slot: str | None = None
    cpu_s: float | None = None
    wall_s: float | None = None
    memory_mb: float | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    log_tail: str | None = None

    @property
    def key(self) -> tuple[int, int]:
        """Which job."""
        return self[:2]


_seen = attrgetter("seen")


def fold(news: Iterable[JobNews]) -> tuple[list[JobNews], list[JobNews]]:
    """The newest news of each job, and of each attempt, in the order of their keys.

    Within an attempt what comes later along the feed wins, but nothing follows an end; a lower attempt's
    news never changes the job.
    """
    jobs: dict[tuple[int, ...], JobNews] = {}
    attempts: dict[tuple[int, ...], JobNews] = {}
    for item in sorted(news, key=_seen):
        job, attempt = item[:2], item[:3]
        told = attempts[attempt] = _after(attempts.get(attempt), item)
        known = jobs.get(job)
        if known is None or (known.attempt <= item.attempt and not known.state.is_over):
            jobs[job] = told
    return [jobs[k] for k in sorted(jobs)], [attempts[k] for k in sorted(attempts) if k[2] > 0]


def _after(known: JobNews | None, item: JobNews) -> JobNews:
    if known is None:
        return item
    if known.state.is_over:
        return known
    # From site to started_at a later event of the same attempt doesn't wipe out what it says nothing of.
    both = zip(known[10:16], item[10:16], strict=True)
    kept = [was if now is None else now for was, now in both]
    return JobNews._make((*item[:10], *kept, *item[16:]))


LIMITS = {34: "memory", 46: "walltime", 12: "output_transfer", 13: "input_transfer"}
"""Codes with which a batch system says that it ended a job itself: for a limit, or since files could not be
carried (HTCondor's hold codes)."""


def conclude(
    item: JobNews, report: Mapping[str, Any] | None, *, by_exit_code: bool = False
) -> JobNews:
    """An ended job with its report: without one it has failed, whatever its exit code says.

    `by_exit_code`: it reports nothing, and nobody knows more of it than the batch system.
    """
    if not item.state.is_over or item.state is JobState.REMOVED:
        return item
    if by_exit_code:
        failed = item.state is JobState.FAILED
        return item._replace(reason=_reason(item) or "exit") if failed else item
    if report is None:
        reason = _reason(item) if item.state is JobState.FAILED else "no_report"
        return item._replace(state=JobState.FAILED, reason=reason or "no_report")
    good = item.state is JobState.SUCCEEDED and report.get("outcome") == "succeeded"
    return item._replace(
        state=JobState.SUCCEEDED if good else JobState.FAILED,
        reason=None if good else (LIMITS.get(item.code or 0) or report.get("reason") or "exit"),
        exit_code=report.get("exit_code", item.exit_code),
        signal=report.get("signal", item.signal),
        cpu_s=report.get("cpu_s", item.cpu_s),
        wall_s=report.get("wall_s", item.wall_s),
        memory_mb=max(report.get("memory_mb") or 0.0, item.memory_mb or 0.0),
        log_tail=report.get("log_tail"),
    )


def _reason(item: JobNews) -> str | None:
    if item.code in LIMITS:
        return LIMITS[item.code]
    if item.signal is not None:
        return "signal"
    return "exit" if item.exit_code else None


@dataclass(frozen=True, slots=True)
class InputNews:
    """What became of one input."""

    submission_id: int
    number: int
    file_id: int
    delivery: str
    outcome: str
    reason: str | None


def inputs(key: tuple[int, int], report: Mapping[str, Any]) -> list[InputNews]:
    """The fates of a report; what is not an input of ours is found out by the statement that applies them."""
    return [
        InputNews(*key, i["id"], i["delivery"], i["outcome"], i.get("reason"))
        for i in report.get("inputs", ())
    ]


def outputs(
    item: JobNews, report: Mapping[str, Any], claimed: frozenset[int]
) -> list[dict[str, Any]]:
    """The outputs of a report. One that comes from an input that this job did not do (first) is superseded, as
    is one that comes from none of a job that failed."""
    told = report.get("outputs", ())
    above = _generations(told) if any(o.get("made_from") for o in told) else {}
    return [
        {
            **{k: o.get(k) for k in ("name", "path", "size", "checksum", "pattern", "events")},
            "submission_id": item.submission_id,
            "number": item.number,
            "attempt": item.attempt,
            "parents": o.get("parents") or [],
            "made_from": o.get("made_from") or [],
            "metadata": o.get("metadata") or {},
            **_descent(item, o, above.get(o["name"]), claimed),
        }
        for o in told
    ]


def _generations(told: Sequence[Mapping[str, Any]]) -> dict[str, Generations]:
    made = {o["name"]: Made(o.get("parents") or [], o.get("made_from") or []) for o in told}
    return generations(made)


def _descent(
    item: JobNews, output: Mapping[str, Any], above: Generations | None, claimed: frozenset[int]
) -> dict[str, Any]:
    """An output's farther ancestors, if it has any, and whether it counts."""
    if above is None:
        return {"state": _output_state(item, output.get("parents") or [], claimed)}
    far = {str(step): sorted(inputs) for step, inputs in above.items() if step > 1}
    inputs = frozenset[int]().union(*above.values())
    state = _output_state(item, inputs, claimed) if above else "superseded"
    return {"ancestors": far or None, "state": state}


def _output_state(item: JobNews, parents: Collection[int], claimed: frozenset[int]) -> str:
    good = claimed.issuperset(parents) if parents else item.state is JobState.SUCCEEDED
    return "declared" if good else "superseded"
