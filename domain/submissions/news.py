"""What a batch of a batch system's events, with the payloads' reports, means for each job."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from domain.files.lineage import Generations, OutputParents, compute_generations
from domain.submissions.jobs import JobState
from domain.submissions.reports import (
    BAD_REPORT,
    INT32,
    MOST_ATTEMPTS,
    MOST_MEASURE,
    MOST_TEXT,
    YEARS,
    make_storable_text,
)


class JobNews(NamedTuple):
    """One job (or one attempt of it) after the events: the newest state, and when it started and ended.

    A tuple, since there are thousands of them a second.
    """

    submission_id: int
    number: int
    attempt: int
    state: JobState
    sequence: int
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

    @property
    def removes_any_attempt(self) -> bool:
        """Whether who removed the job knows of no attempt, as after its queue was lost: whichever was told is over."""
        return self.attempt == 0 and self.state is JobState.REMOVED


_sequence = attrgetter("sequence")


def fold_news(news: Iterable[JobNews]) -> tuple[list[JobNews], list[JobNews]]:
    """The newest news of each job, and of each attempt, in the order of their keys.

    Within an attempt what comes later along the feed wins, but nothing follows an end; a lower attempt's
    news never changes the job, unless it was removed by who knows of no attempt.
    """
    jobs: dict[tuple[int, ...], JobNews] = {}
    attempts: dict[tuple[int, ...], JobNews] = {}
    for item in sorted(news, key=_sequence):
        job, attempt = item[:2], item[:3]
        told = attempts[attempt] = _merge_news(attempts.get(attempt), item)
        known = jobs.get(job)
        if known is None or (known.attempt <= item.attempt and not known.state.is_over):
            jobs[job] = told
        elif item.removes_any_attempt and not known.state.is_over:
            jobs[job] = told._replace(attempt=known.attempt)
    return [jobs[k] for k in sorted(jobs)], [attempts[k] for k in sorted(attempts) if k[2] > 0]


def _merge_news(known: JobNews | None, item: JobNews) -> JobNews:
    if known is None:
        return item
    if known.state.is_over:
        return known
    # From site to started_at a later event of the same attempt doesn't wipe out what it says nothing of.
    both = zip(known[10:16], item[10:16], strict=True)
    kept = [was if now is None else now for was, now in both]
    return JobNews._make((*item[:10], *kept, *item[16:]))


def limit_news(item: JobNews) -> JobNews:
    """What a batch system says of a job, as far as it could be: odd figures are left out, texts cut."""
    if _is_plain(item):
        return item
    whole = [n if n is None or n in INT32 else None for n in item[5:9]]
    texts = [t and make_storable_text(t, MOST_TEXT) for t in item[9:12]]
    measures = [m if m is None or 0 <= m <= MOST_MEASURE else None for m in item[12:15]]
    times = [at if at is None or at.year in YEARS else None for at in item[15:17]]
    attempt = min(item.attempt, MOST_ATTEMPTS)
    return JobNews._make(
        (*item[:2], attempt, *item[3:5], *whole, *texts, *measures, *times, *item[17:])
    )


def _is_plain(item: JobNews) -> bool:
    """Whether there is nothing to bound, as nearly always: asked thousands of times a second."""
    if item.attempt > MOST_ATTEMPTS:
        return False
    for number in item[5:9]:
        if number is not None and number not in INT32:
            return False
    for text in item[9:12]:
        if text is not None and not (len(text) <= MOST_TEXT and text.isprintable()):
            return False
    for measure in item[12:15]:
        if measure is not None and not 0 <= measure <= MOST_MEASURE:
            return False
    return all(at is None or at.year in YEARS for at in item[15:17])


def reduce_refused_news(item: JobNews, why: str) -> JobNews:
    """What is left of news that a database refuses: whose it is, and that the job has failed if it is over."""
    state, reason = item.state, None
    if state.is_over and state is not JobState.REMOVED:
        state, reason = JobState.FAILED, BAD_REPORT
    bare = JobNews(*item[:3], state, item.sequence)
    return bare._replace(reason=reason, log_tail=make_storable_text(why, MOST_TEXT))


LIMITS = {34: "memory", 46: "walltime", 12: "output_transfer", 13: "input_transfer"}
"""Codes with which a batch system says that it ended a job itself: for a limit, or since files could not be
carried (HTCondor's hold codes)."""


def conclude_job(
    item: JobNews, report: Mapping[str, Any] | None, *, by_exit_code: bool = False
) -> JobNews:
    """An ended job with its report: without one it has failed, whatever its exit code says.

    `by_exit_code`: it reports nothing, and nobody knows more of it than the batch system.
    """
    if not item.state.is_over or item.state is JobState.REMOVED:
        return item
    if by_exit_code:
        failed = item.state is JobState.FAILED
        return item._replace(reason=_derive_reason(item) or "exit") if failed else item
    if report is None:
        reason = _derive_reason(item) if item.state is JobState.FAILED else "no_report"
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


def _derive_reason(item: JobNews) -> str | None:
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


def list_input_news(key: tuple[int, int], report: Mapping[str, Any]) -> list[InputNews]:
    """The fates of a report; what is not an input of ours is found out by the statement that applies them."""
    return [
        InputNews(*key, i["id"], i["delivery"], i["outcome"], i.get("reason"))
        for i in report.get("inputs", ())
    ]


def list_outputs(
    item: JobNews, report: Mapping[str, Any], claimed: frozenset[int]
) -> list[dict[str, Any]]:
    """The outputs of a report. One that comes from an input that this job did not do (first) is superseded, as
    is one that comes from none of a job that failed."""
    told = report.get("outputs", ())
    above = _compute_output_generations(told) if any(o.get("made_from") for o in told) else {}
    return [
        {
            **{k: o.get(k) for k in ("name", "path", "size", "checksum", "events")},
            "submission_id": item.submission_id,
            "number": item.number,
            "attempt": item.attempt,
            "parents": o.get("parents") or [],
            "made_from": o.get("made_from") or [],
            "metadata": o.get("metadata") or {},
            **_describe_descent(item, o, above.get(o["name"]), claimed),
        }
        for o in told
    ]


def _compute_output_generations(told: Sequence[Mapping[str, Any]]) -> dict[str, Generations]:
    made = {
        o["name"]: OutputParents(o.get("parents") or [], o.get("made_from") or []) for o in told
    }
    return compute_generations(made)


def _describe_descent(
    item: JobNews, output: Mapping[str, Any], above: Generations | None, claimed: frozenset[int]
) -> dict[str, Any]:
    """An output's farther ancestors, if it has any, and whether it counts."""
    if above is None:
        return {"state": _derive_output_state(item, output.get("parents") or [], claimed)}
    far = {str(step): sorted(inputs) for step, inputs in above.items() if step > 1}
    inputs = frozenset[int]().union(*above.values())
    state = _derive_output_state(item, inputs, claimed) if above else "superseded"
    return {"ancestors": far or None, "state": state}


def _derive_output_state(item: JobNews, parents: Collection[int], claimed: frozenset[int]) -> str:
    good = claimed.issuperset(parents) if parents else item.state is JobState.SUCCEEDED
    return "declared" if good else "superseded"
