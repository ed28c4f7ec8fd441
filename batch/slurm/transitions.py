"""What one look at a job adds to what was known of it: always the same from the same, and nothing twice."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batch import JobEvent
from batch.files import read_tail
from batch.journal import KnownJob
from batch.slurm.queue import COMPLETING, ArrayTask
from domain.submissions.jobs import JobState

MEMORY, WALLTIME, _PERSON = 34, 46, 1
"""Codes by which all our batch systems name a limit or a person (HTCondor's)."""
_OVER_MEMORY = re.compile(r"exceeded memory limit \((\d{1,18}) > (\d{1,18})\)")
_OOM = re.compile(r"oom.kill", re.IGNORECASE)
_WORDS = re.compile(r"\*\*\* (?:JOB|STEP) .*?(CANCELLED .*?) \*\*\*")
_BY_SOMEBODY = frozenset(("JobHeldUser", "JobHeldAdmin", "job requeued in held state"))
_TAIL = 1 << 14


@dataclass(frozen=True, slots=True)
class ObservedJob:
    """All that is seen of one job at one moment."""

    number: int
    task: ArrayTask
    now: float
    action_reasons: Mapping[str, str]
    """JobActionVerb → the reason that was given with it, where we were the last to ask for it."""
    log: Path
    is_open: bool = True
    """False: it is held by its gate alone."""


def count_starts(task: ArrayTask) -> int:
    """How many times it had been started."""
    runs = task.state is JobState.RUNNING or (task.state.is_over and bool(task.nodes))
    return task.restarts + 1 if runs else task.restarts


def derive_job_events(look: ObservedJob, known: KnownJob | None) -> Iterator[JobEvent]:
    """What is to be told of a job, in order; native id and place are the reader's to add."""
    task = look.task
    if known is None:
        known = KnownJob(JobState.IDLE, 0)
        yield _make_event(look, *known.as_told, task.submitted)
    if task.word == COMPLETING or known.state.is_over:
        return
    state, attempt = _derive_state(look, known)
    if attempt < known.attempt or (state, attempt) == known.as_told:
        return
    started = (JobState.RUNNING, attempt)
    if (state.is_over or state is JobState.RUNNING) and attempt and known.as_told != started:
        yield _make_event(look, *started, task.started, site=task.nodes, slot=task.nodes)
    if state.is_over:
        yield _make_event(look, state, attempt, task.ended, **_describe_end(look, state))
    elif state is not JobState.RUNNING:
        yield _make_event(look, state, attempt, look.now, **_describe_pause(look, state, known))


def _derive_state(look: ObservedJob, known: KnownJob) -> tuple[JobState, int]:
    state, attempt = look.task.state, count_starts(look.task)
    if state.is_over or state is JobState.RUNNING:
        return state, attempt
    if state is JobState.HELD and not look.is_open:
        state = JobState.IDLE
    # A controller that was killed may have forgotten that the job has started.
    return state, max(attempt, known.attempt)


def _make_event(
    look: ObservedJob, state: JobState, attempt: int, at: float, **more: Any
) -> JobEvent:
    when = datetime.fromtimestamp(at or look.now, UTC)
    return JobEvent("", look.number, attempt, state, when, 0, **more)


def _describe_pause(look: ObservedJob, state: JobState, known: KnownJob) -> dict[str, Any]:
    if state is JobState.HELD:
        code = _PERSON if look.task.reason in _BY_SOMEBODY else None
        return {"code": code, "text": look.action_reasons.get("hold") or look.task.reason}
    if state is JobState.UNKNOWN:
        return {"text": f"Slurm calls it {look.task.word}"}
    if known.state is JobState.RUNNING:
        return {
            "text": _read_slurm_message(look.log) or f"put back into the queue ({look.task.reason})"
        }
    return {"text": None if look.task.reason == "None" else look.task.reason}


def _describe_end(look: ObservedJob, state: JobState) -> dict[str, Any]:
    task = look.task
    used = {"wall_s": max(0.0, task.ended - task.started) if task.nodes else None}
    if state is JobState.REMOVED:
        text = (
            look.action_reasons.get("remove")
            or _read_slurm_message(look.log)
            or "cancelled at Slurm"
        )
        return {"code": _PERSON, "text": text, **used}
    code, _, signal = task.exit.partition(":")
    how = {"exit_code": int(code or 0), "signal": int(signal or 0) & 0x7F or None}
    if how["signal"]:
        how["exit_code"] = None
    if state is JobState.SUCCEEDED:
        return {**how, **used}
    return {**how, **used, **_explain_failure(look)}


def _explain_failure(look: ObservedJob) -> dict[str, Any]:
    task, said = look.task, _read_log_tail(look.log)
    if found := _OVER_MEMORY.findall(said):
        used, limit = (int(number) / (1 << 20) for number in found[-1])
        return {
            "code": MEMORY,
            "text": _describe_memory_limit(f"{used:.0f}", f"{limit:.0f} MB"),
            "memory_mb": used,
        }
    if task.word == "OUT_OF_MEMORY" or (task.exit.endswith(":9") and _OOM.search(said)):
        return {"code": MEMORY, "text": _describe_memory_limit("all", task.memory)}
    if task.word == "TIMEOUT":
        return {
            "code": WALLTIME,
            "text": _read_slurm_message(look.log) or "CANCELLED DUE TO TIME LIMIT",
        }
    if task.never_began:
        return {
            "text": f"Slurm could not open the job's log {look.log}: nothing of the job has run"
        }
    if task.word == "FAILED":
        return {}
    return {"text": _read_slurm_message(look.log) or f"Slurm says {task.word} ({task.reason})"}


def _describe_memory_limit(used: str, limit: str) -> str:
    return f"memory limit: used {used} of {limit}"


def _read_slurm_message(log: Path) -> str | None:
    """What Slurm itself wrote last into a job's log."""
    found = _WORDS.findall(_read_log_tail(log))
    return found[-1] if found else None


def _read_log_tail(log: Path) -> str:
    with suppress(OSError):
        return read_tail(log, _TAIL).decode(errors="replace")
    return ""
