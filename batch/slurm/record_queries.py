"""When a cluster's record is asked: about all vanished jobs at once, and ever less often of what it doesn't tell."""

import time
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from itertools import islice

from batch import BatchRefused, BatchUnavailable
from batch.slurm.entry import SlurmEntry
from batch.slurm.record import Ends, JobRecord

_RARELY_S, _BACK_SOON_S = 600.0, 60.0
_PATIENT = 3
"""So often it may fail to answer before that is told of the jobs."""
_MOST = 500
"""Launches that one question is about."""


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    """What the record says of a launch."""

    ends: Ends = field(default_factory=dict)
    is_told: bool = True
    """False: what it doesn't tell may come still."""
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class _QueryAttempt:
    numbers: Set[int]
    again_at: float
    times: int


class RecordQueries:
    """What was asked before, and when to ask again."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._tried: dict[str, _QueryAttempt] = {}
        self._silences, self._silent_until, self._why = 0, 0.0, ""

    def answers(
        self, gone: Mapping[str, Set[int]], entries: Mapping[str, SlurmEntry], record: JobRecord
    ) -> dict[str, RecordAnswer]:
        """Of each launch some of whose jobs are gone: by one question, or none."""
        now = time.monotonic()
        self._tried = {name: self._tried[name] for name in gone if name in self._tried}
        due = [name for name, numbers in gone.items() if self._is_due(name, numbers, now)]
        silent = RecordAnswer(is_told=False, why_not=self._why if self._silences > _PATIENT else "")
        found = {name: silent if name in due else RecordAnswer() for name in gone}
        if not due or now < self._silent_until:
            return found
        asked = {name: entries[name] for name in islice(due, _MOST)}
        try:
            told = record.read_ends({each.set: each.bases for each in asked.values()})
        except (BatchUnavailable, BatchRefused) as wrong:
            self._silences, self._why = self._silences + 1, str(wrong)
            self._silent_until = now + self._later(self._silences, _BACK_SOON_S)
            return found
        self._silences = 0
        for name, entry in asked.items():
            found[name] = RecordAnswer(told.get(entry.set, {}))
            before = self._tried.get(name)
            times = before.times + 1 if before and gone[name] <= before.numbers else 1
            self._tried[name] = _QueryAttempt(
                gone[name], now + self._later(times, _RARELY_S), times
            )
        return found

    def forget(self, names: Iterable[str]) -> None:
        """Ask about these again, whatever was told of them."""
        for name in names:
            self._tried.pop(name, None)

    def _is_due(self, name: str, numbers: Set[int], now: float) -> bool:
        tried = self._tried.get(name)
        return tried is None or now >= tried.again_at or not numbers <= tried.numbers

    def _later(self, times: int, most_s: float) -> float:
        return float(min(most_s, self._interval_s * 2 ** min(times, 20)))
