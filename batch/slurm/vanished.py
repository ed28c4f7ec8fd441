"""Jobs that the queue does not show any more: what came of them, as far as anything tells it."""

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batch import JobEvent, ReportKey
from batch.directory import reports
from batch.journal import Known
from batch.slurm.asking import Answer
from batch.slurm.entry import Entry
from batch.slurm.order import log_of
from batch.slurm.queue import Task
from batch.slurm.record import REST
from batch.slurm.story import Look, news
from domain.jobs import JobState

_NOTHING = "Slurm does not know it any more, and its payload left no report"


def reasons(asked: Sequence[Mapping[str, Any]], number: int) -> dict[str, str]:
    """What was asked of a job and not taken back: verb → reason."""
    found: dict[str, str] = {}
    for each in asked:
        if each["numbers"] is None or number in each["numbers"]:
            if each["verb"] == "release":
                found.pop("hold", None)
            else:
                found[each["verb"]] = each["reason"]
    return found


def judged(
    entry: Entry,
    numbers: Sequence[int],
    known: Mapping[int, Known],
    asked: Sequence[Mapping[str, Any]],
    answer: Answer,
) -> dict[int, list[JobEvent]]:
    """By Slurm's own record where it tells of them, else by what the payload left."""
    found: dict[int, list[JobEvent]] = {}
    for number in numbers:
        array, task = entry.place(number)
        before, reason = known.get(number), reasons(asked, number)
        starts = _starts(entry.directory, number)
        ends = answer.ends
        end = ends.get((array, task)) or (None if starts else ends.get((array, REST)))
        if end is None:
            found[number] = _by_report(entry, number, starts, before, reason, answer)
        else:
            log = log_of(entry.directory, entry.bases[array], task)
            end = end._replace(task=task, restarts=max(0, starts - 1) if end.nodes else starts)
            found[number] = list(news(Look(number, end, time.time(), reason, log), before))
    return found


def _starts(directory: Path, number: int) -> int:
    """The last attempt that began, by the job's own word."""
    with suppress(OSError):
        lines = (directory / f"starts/{number}.jsonl").read_text().splitlines()
        return max((_attempt(line) for line in lines), default=0)
    return 0


def _attempt(line: str) -> int:
    with suppress(ValueError):
        return int(json.loads(line)["attempt"])
    return 0


def _by_report(
    entry: Entry,
    number: int,
    starts: int,
    known: Known | None,
    asked: Mapping[str, str],
    answer: Answer,
) -> list[JobEvent]:
    attempt = max(starts, known.attempt if known else 0)
    key = ReportKey(entry.directory, number, attempt)
    report = reports([key]).get(key)
    if report is not None:
        end = _reported(entry, number, report)
        return list(news(Look(number, end, time.time(), asked, Path()), known))
    state, text = JobState.UNKNOWN, _NOTHING if answer.is_told else answer.why_not
    # What has started may have ended otherwise before it was removed.
    if "remove" in asked and (answer.is_told or not attempt):
        state, text = JobState.REMOVED, asked["remove"]
    if not text or (known and known.as_told == (state, attempt)):
        return []
    code = 1 if state is JobState.REMOVED else None
    return [JobEvent("", number, attempt, state, datetime.now(UTC), 0, code=code, text=text)]


def _reported(entry: Entry, number: int, report: Mapping[str, Any]) -> Task:
    """The end that a report tells of, as the queue would have shown it."""
    array, task = entry.place(number)
    good = report["outcome"] == "succeeded"
    started = datetime.fromisoformat(report["started"]).timestamp()
    return Task(
        array=array,
        task=task,
        word="COMPLETED" if good else "FAILED",
        reason="",
        restarts=int(report["attempt"]) - 1,
        exit=f"{report['exit_code'] or 0}:{report['signal'] or 0}",
        submitted=started,
        started=started,
        ended=datetime.fromisoformat(report["ended"]).timestamp(),
        nodes=report["host"],
        memory="",
    )
