"""Brings back what spooled jobs have made, in a thread of its own: reading does not wait for it."""

import logging
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from batch import BatchUnavailable, ReportKey, directory
from batch.htcondor import file_transfer
from batch.htcondor.child import BindingsChild
from batch.htcondor.order import locate_returned_files
from domain.submissions.reports import MOST_ATTEMPTS
from lanes import Lane, LaneCall

_log = logging.getLogger(__name__)
_AT_ONCE = 100
_TRIES = 10
"""How often one job's sandbox is asked for, while the schedd answers other questions."""

_GRACE_S = 120.0
"""How long a part of them may take besides the schedd: for our own files, and the child's own time."""

Wanted = Mapping[str, tuple[Path, Mapping[int, int]]]
"""By cluster its launch directory, and by place the numbers of jobs that have ended."""


class SandboxTransfer:
    """The sandboxes of one schedd's jobs."""

    def __init__(self, child: BindingsChild, spooling_s: Callable[[int], float], name: str) -> None:
        self._child, self._spooling_s = child, spooling_s
        self._lane = Lane(f"{name}:sandboxes", 0.0, at_once=1, most_hung=1)
        self._carrying: LaneCall | None = None
        self._brought: dict[tuple[str, int], int] = {}
        self._tries: dict[tuple[str, int], int] = {}
        self._at_once = _AT_ONCE

    def brought(self, native_id: str, proc: int) -> int | None:
        """The attempt of which a job's report has come back (0: it left none); None: it is still to be brought."""
        return self._brought.get((native_id, proc))

    def forget(self, native_id: str, procs: Sequence[int]) -> None:
        """That these came back has been written down."""
        for proc in procs:
            self._brought.pop((native_id, proc), None)
            self._tries.pop((native_id, proc), None)

    def carry(self, wanted: Wanted) -> None:
        """Begin to bring back what these jobs have made, unless others are being brought back just now."""
        if not wanted or (self._carrying is not None and not self._carrying.future.done()):
            return
        before, self._carrying = self._carrying, None
        if before is not None:
            before.future.result()
        parts = (len(numbers) for _, numbers in wanted.values())
        within_s = sum(_GRACE_S + self._spooling_s(jobs) * (1 + jobs // _AT_ONCE) for jobs in parts)
        self._carrying = self._lane.start(lambda: self._carry(wanted), within_s)

    def _carry(self, wanted: Wanted) -> None:
        size, self._at_once = self._at_once, _AT_ONCE
        for native_id, (place, numbers) in wanted.items():
            for procs in _split_procs(list(numbers), size):
                try:
                    self._bring(native_id, place, {proc: numbers[proc] for proc in procs})
                except (BatchUnavailable, OSError) as wrong:
                    _log.warning("what jobs of %s made can't be brought now: %s", native_id, wrong)
                    # One alone must not keep those of the others.
                    self._at_once = max(1, size // 4)
                    if size > 1:
                        return

    def _bring(self, native_id: str, place: Path, numbers: Mapping[int, int]) -> None:
        back = locate_returned_files(place)
        for folder in (back, *(place / name for name in file_transfer.COMES_BACK)):
            folder.mkdir(parents=True, exist_ok=True)
        what = {"cluster": int(native_id), "mark": place.name, "procs": [*numbers]}
        try:
            self._child.call(
                "retrieve", self._spooling_s(len(numbers)), **what, lock=str(back / ".lock")
            )
        except BatchUnavailable as wrong:
            if len(numbers) > 1 or not self._is_tired_of(native_id, *numbers):
                raise
            _log.error("job %s.%s ends without what it made: %s", native_id, *numbers, wrong)
        attempts = _place_returned_files(back, place, {*numbers.values()})
        self._brought.update({(native_id, p): attempts.get(n, 0) for p, n in numbers.items()})

    def _is_tired_of(self, native_id: str, proc: int) -> bool:
        tries = self._tries[native_id, proc] = self._tries.get((native_id, proc), 0) + 1
        return tries >= _TRIES


def _split_procs(procs: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (procs[at : at + size] for at in range(0, len(procs), size))


def _place_returned_files(back: Path, place: Path, numbers: set[int]) -> dict[int, int]:
    """Put what came back where it is looked for, reports last; the attempts of which there are reports."""
    reports, outputs = (back / name for name in file_transfer.COMES_BACK)
    attempts: dict[int, int] = {}
    for path in sorted(outputs.iterdir()) if outputs.exists() else ():
        if _parse_job_number(path) in numbers:
            shutil.rmtree(place / "outputs" / path.name, ignore_errors=True)
            path.rename(place / "outputs" / path.name)
    for path in sorted(reports.glob("*.json")) if reports.exists() else ():
        if (number := _parse_job_number(path)) in numbers:
            path.rename(place / "reports" / path.name)
            attempts[number] = max(attempts.get(number, 0), _parse_attempt_number(path))
    for number, attempt in attempts.items():  # one by one: all together may be too large
        key = ReportKey(place, number, attempt)
        for report in directory.read_reports([key]).values():
            file_transfer.collect_transferred_outputs(key, report)
    return attempts


def _parse_job_number(path: Path) -> int:
    number = path.name.split(".")[0]
    return int(number) if number.isdecimal() else -1


def _parse_attempt_number(path: Path) -> int:
    """0: it has none, or one that can't be."""
    attempt = path.name.split(".")[1]
    return int(attempt) if attempt.isdecimal() and int(attempt) <= MOST_ATTEMPTS else 0
