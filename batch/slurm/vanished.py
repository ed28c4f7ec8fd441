"""Jobs that the queue does not show any more: what came of them, as far as anything tells it."""

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batch import JobEvent, ReportKey
from batch.directory import read_reports
from batch.files import read_tail
from batch.journal import KnownJob
from batch.slurm.entry import SlurmEntry
from batch.slurm.order import locate_task_log
from batch.slurm.queue import ArrayTask
from batch.slurm.record import REST
from batch.slurm.record_queries import RecordAnswer
from batch.slurm.transitions import ObservedJob, derive_job_events
from domain.submissions.jobs import JobState

_STARTS = 1 << 16
"""How much is read of the lines that the starts of a job leave."""
_NOTHING = "Slurm does not know it any more, and its payload left no report"


def list_action_reasons(asked: Sequence[Mapping[str, Any]], number: int) -> dict[str, str]:
    """What was asked of a job and not taken back: verb → reason."""
    found: dict[str, str] = {}
    for each in asked:
        if each["numbers"] is None or number in each["numbers"]:
            if each["verb"] == "release":
                found.pop("hold", None)
            else:
                found[each["verb"]] = each["reason"]
    return found


def judge_vanished_jobs(
    entry: SlurmEntry,
    numbers: Sequence[int],
    known: Mapping[int, KnownJob],
    asked: Sequence[Mapping[str, Any]],
    answer: RecordAnswer,
) -> dict[int, list[JobEvent]]:
    """By Slurm's own record where it tells of them, else by what the payload left."""
    found: dict[int, list[JobEvent]] = {}
    for number in numbers:
        array, task = entry.place(number)
        before, reason = known.get(number), list_action_reasons(asked, number)
        starts = _read_last_start(entry.directory, number)
        ends = answer.ends
        end = ends.get((array, task)) or (None if starts else ends.get((array, REST)))
        if end is None:
            found[number] = _judge_by_report(entry, number, starts, before, reason, answer)
        else:
            log = locate_task_log(entry.directory, entry.bases[array], task)
            end = end._replace(task=task, restarts=max(0, starts - 1) if end.nodes else starts)
            found[number] = list(
                derive_job_events(ObservedJob(number, end, time.time(), reason, log), before)
            )
    return found


def _read_last_start(directory: Path, number: int) -> int:
    """The last attempt that began, by the job's own word."""
    with suppress(OSError):
        lines = read_tail(directory / f"starts/{number}.jsonl", _STARTS).splitlines()
        return max((_parse_attempt(line) for line in lines), default=0)
    return 0


def _parse_attempt(line: bytes) -> int:
    with suppress(ValueError, TypeError, LookupError, RecursionError):
        attempt = json.loads(line)["attempt"]
        return attempt if type(attempt) is int and 0 < attempt < 1 << 31 else 0
    return 0


def _judge_by_report(
    entry: SlurmEntry,
    number: int,
    starts: int,
    known: KnownJob | None,
    asked: Mapping[str, str],
    answer: RecordAnswer,
) -> list[JobEvent]:
    attempt = max(starts, known.attempt if known else 0)
    key = ReportKey(entry.directory, number, attempt)
    report = read_reports([key]).get(key)
    if report is not None:
        end = _convert_report_to_task(entry, number, report)
        return list(derive_job_events(ObservedJob(number, end, time.time(), asked, Path()), known))
    state, text = JobState.UNKNOWN, _NOTHING if answer.is_told else answer.why_not
    # What has started may have ended otherwise before it was removed.
    if "remove" in asked and (answer.is_told or not attempt):
        state, text = JobState.REMOVED, asked["remove"]
    if not text or (known and known.as_told == (state, attempt)):
        return []
    code = 1 if state is JobState.REMOVED else None
    return [JobEvent("", number, attempt, state, datetime.now(UTC), 0, code=code, text=text)]


def _convert_report_to_task(entry: SlurmEntry, number: int, report: Mapping[str, Any]) -> ArrayTask:
    """The end that a report tells of, as the queue would have shown it."""
    array, task = entry.place(number)
    good = report["outcome"] == "succeeded"
    started = _read_report_time(report, "started")
    return ArrayTask(
        array=array,
        task=task,
        word="COMPLETED" if good else "FAILED",
        reason="",
        restarts=int(report.get("attempt") or 1) - 1,
        exit=f"{report.get('exit_code') or 0}:{report.get('signal') or 0}",
        submitted=started,
        started=started,
        ended=_read_report_time(report, "ended"),
        nodes=report.get("host") or "",
        memory="",
    )


def _read_report_time(report: Mapping[str, Any], name: str) -> float:
    """When it was by the report, or now where it doesn't say."""
    told = report.get(name)
    return datetime.fromisoformat(told).timestamp() if told else time.time()
