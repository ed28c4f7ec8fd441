"""The bounds of what a job reports: what is odd in one field is cut or left out with a note, the rest counts."""

import math
import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from domain.files.lineage import OutputParents, TooManyAncestors, compute_generations
from domain.submissions.file_states import Delivery, Outcome

MOST_TEXT, MOST_LOG, MOST_REASON, MOST_NAME, MOST_PATH = 1_000, 65_536, 200, 255, 4_096
MOST_INPUTS, MOST_OUTPUTS, MOST_PARENTS, MOST_NOTES, MOST_DEPTH = 100_000, 10_000, 100_000, 20, 50
MOST_MEASURE = 1e12
"""Of seconds and megabytes: sums over any number of jobs are finite."""
MOST_EVENTS = 10**13
"""Of one output: those of a submission, added up, fit into 64 bits."""
MOST_SIZE = (1 << 63) - 1
MOST_ATTEMPTS = 1_000_000
"""Of one job: what is told of a later one, as by a file that a job has named, is nonsense."""
YEARS = range(1970, 9999)
INT32 = range(-(1 << 31), 1 << 31)
IDS = range(1, 1 << 63)

BAD_REPORT = "bad_report"
"""Why a job has failed whose report is there and can't count."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_DELIVERIES, _OUTCOMES = frozenset(Delivery), frozenset(Outcome)


class ReportUnusable(Exception):
    """What a report says of its job, an input or an output is not to be understood: it can't count."""


def make_storable_text(text: str, most: int) -> str:
    """The same as far as a database takes it, and cut."""
    return _UNSTORABLE.sub("\ufffd", text[:most])


def make_bad_report(why: str, report: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What counts instead of a report that can't: the job has failed, and says why."""
    kept = {k: v for k, v in (report or {}).items() if k not in ("inputs", "outputs")}
    log = f"{kept.get('log_tail') or ''}\n[POMS: the report can't count: {make_storable_text(why, MOST_TEXT)}]"
    told = {"outcome": "failed", "reason": BAD_REPORT, "inputs": [], "outputs": [], "log_tail": log}
    return {**kept, **told}


def limit_report(report: object, number: int, attempt: int) -> dict[str, Any]:
    """The report of one attempt of a job as it counts; what was odd in it is noted at the end of its log.

    Where an input or an output can't be understood, the job has failed, as it has where its command tells the
    payload nonsense of one.
    """
    if not isinstance(report, Mapping):
        return make_bad_report("It is no object.")
    try:
        _check_identity(report, number, attempt)
    except ReportUnusable as wrong:
        return make_bad_report(str(wrong))
    notes = ReportNotes()
    told = {"attempt": attempt, "log_tail": "", **notes.bound(report, _FIELDS)}
    told |= {"outcome": report["outcome"], "inputs": [], "outputs": []}
    try:
        told |= {"inputs": _read_inputs(report, notes), "outputs": _read_outputs(report, notes)}
    except (ReportUnusable, TooManyAncestors) as wrong:
        told = make_bad_report(str(wrong), told)
    return told | {"log_tail": f"{told['log_tail'] or ''}{notes.text}"}


class OddValue(Exception):
    """A field has no value that could be."""


Bound = Callable[[Any], Any]
"""What is kept of a value; raises OddValue."""


class ReportNotes:
    """What was cut or left out."""

    def __init__(self) -> None:
        self._notes: list[str] = []

    def bound(self, told: Mapping[str, Any], fields: Mapping[str, Bound]) -> dict[str, Any]:
        """The fields that are there and could be."""
        kept: dict[str, Any] = {}
        for name, bound in fields.items():
            value = told.get(name)
            if value is None:
                kept[name] = None
                continue
            try:
                kept[name] = bound(value)
            except OddValue as odd:
                self.add(f"{name} is {odd}: left out")
            else:
                if kept[name] != value:
                    self.add(f"{name} is too long, or not to be stored as it is: changed")
        return kept

    def add(self, note: str) -> None:
        """Keep the first ones: a report may be odd in very many places."""
        if len(self._notes) < MOST_NOTES:
            self._notes.append(make_storable_text(note, MOST_TEXT))

    @property
    def text(self) -> str:
        """Line by line, for the end of a log."""
        return "".join(f"\n[POMS: {note}]" for note in self._notes)


def _check_identity(report: Mapping[str, Any], number: int, attempt: int) -> None:
    told = tuple(report.get(name) for name in ("version", "number", "attempt"))
    if told != (1, number, attempt) or bool in map(type, told):
        raise ReportUnusable("It is not of this job and attempt, or of another version.")
    if report.get("outcome") not in ("succeeded", "failed"):
        raise ReportUnusable("Its outcome is neither `succeeded` nor `failed`.")


def _limit_text(most: int) -> Bound:
    def bound(value: object) -> str:
        if not isinstance(value, str):
            raise OddValue("no text")
        return make_storable_text(value, most)

    return bound


def _cut_log(value: object) -> str:
    # The end says most.
    cut: str = _limit_text(MOST_LOG)(value[-MOST_LOG:] if isinstance(value, str) else value)
    return cut


def _limit_integer(allowed: Collection[int]) -> Bound:
    def bound(value: object) -> int:
        if type(value) is int and value in allowed:
            return value
        raise OddValue("no whole number that could be")

    return bound


def _check_measure(value: object) -> float:
    # Compared before it is made a float: a whole number may be too large for one.
    if type(value) in (int, float) and 0 <= value <= MOST_MEASURE:  # type: ignore[operator]
        return float(value)  # type: ignore[arg-type]
    raise OddValue("no number that could be")


def _parse_time(value: object) -> str:
    try:
        if isinstance(value, str) and len(value) <= MOST_REASON:
            at = datetime.fromisoformat(value)
            if at.tzinfo is not None and at.year in YEARS:
                return value
    except ValueError:
        pass
    raise OddValue("no time")


_FIELDS: Mapping[str, Bound] = {
    "started": _parse_time, "ended": _parse_time, "host": _limit_text(MOST_TEXT), "reason": _limit_text(MOST_REASON),
    "log_tail": _cut_log, "exit_code": _limit_integer(INT32), "signal": _limit_integer(INT32),
    "wall_s": _check_measure, "cpu_s": _check_measure, "memory_mb": _check_measure,
}  # fmt: skip
_FATE: Mapping[str, Bound] = {"name": _limit_text(MOST_PATH), "reason": _limit_text(MOST_TEXT)}
_MADE: Mapping[str, Bound] = {
    "events": _limit_integer(range(MOST_EVENTS + 1)),
}


def _read_entries(report: Mapping[str, Any], name: str, most: int) -> list[Mapping[str, Any]]:
    found = report.get(name)
    if not isinstance(found, list) or len(found) > most:
        raise ReportUnusable(f"Its {name} are no list of at most {most}.")
    if not all(isinstance(each, Mapping) for each in found):
        raise ReportUnusable(f"One of its {name} is no object.")
    return found


def _read_inputs(report: Mapping[str, Any], notes: ReportNotes) -> list[dict[str, Any]]:
    """The fates of inputs, the first of each."""
    fates: dict[int, dict[str, Any]] = {}
    for each in _read_entries(report, "inputs", MOST_INPUTS):
        fate = _read_input(each, notes)
        if fates.setdefault(fate["id"], fate) is not fate:
            notes.add(f"input {fate['id']} is told of twice: the first counts")
    return list(fates.values())


def _read_input(told: Mapping[str, Any], notes: ReportNotes) -> dict[str, Any]:
    id, delivery, outcome = (told.get(name) for name in ("id", "delivery", "outcome"))
    if type(id) is not int or id not in IDS:
        raise ReportUnusable("One of its inputs has no id.")
    if not _is_one_of(delivery, _DELIVERIES) or not _is_one_of(outcome, _OUTCOMES):
        raise ReportUnusable(f"The fate of its input {id} is unknown.")
    return {"id": id, "delivery": delivery, "outcome": outcome, **notes.bound(told, _FATE)}


def _is_one_of(value: object, known: Collection[str]) -> bool:
    return isinstance(value, str) and value in known


def _read_outputs(report: Mapping[str, Any], notes: ReportNotes) -> list[dict[str, Any]]:
    found = [_read_output(each, notes) for each in _read_entries(report, "outputs", MOST_OUTPUTS)]
    if len({each["name"] for each in found}) < len(found):
        raise ReportUnusable("Two of its outputs have one name.")
    if any(each["made_from"] for each in found):
        compute_generations(
            {each["name"]: OutputParents(each["parents"], each["made_from"]) for each in found}
        )
    return found


def _read_output(told: Mapping[str, Any], notes: ReportNotes) -> dict[str, Any]:
    name, path = (
        _read_exact_text(told, "name", MOST_NAME),
        _read_exact_text(told, "path", MOST_PATH),
    )
    if len(name.encode()) > MOST_NAME:
        raise ReportUnusable("The name of one of its outputs is too long for a file.")
    size, checksum = told.get("size"), _read_exact_text(told, "checksum", MOST_TEXT)
    if type(size) is not int or not 0 <= size <= MOST_SIZE:
        raise ReportUnusable(f"The size of its output {name} is no number of bytes.")
    return {
        **{"name": name, "path": path, "size": size, "checksum": checksum},
        **notes.bound(told, _MADE),
        "parents": _read_all(told, "parents", lambda each: type(each) is int and each in IDS),
        # Payloads that started earlier don't say it.
        "made_from": _read_all(
            {"made_from": [], **told}, "made_from", lambda each: type(each) is str
        ),
        "metadata": _read_metadata(told, notes),
    }


def _read_exact_text(told: Mapping[str, Any], name: str, most: int) -> str:
    """What can't be cut: another name is another file."""
    value = told.get(name)
    if not isinstance(value, str) or make_storable_text(value, most) != value:
        raise ReportUnusable(
            f"The {name} of one of its outputs is no text of at most {most} characters."
        )
    return value


def _read_all(told: Mapping[str, Any], name: str, is_good: Callable[[object], bool]) -> list[Any]:
    found = told.get(name)
    if not isinstance(found, list) or len(found) > MOST_PARENTS or not all(map(is_good, found)):
        raise ReportUnusable(f"The {name} of its output {told['name']} are not to be understood.")
    return found


def _read_metadata(told: Mapping[str, Any], notes: ReportNotes) -> dict[str, Any]:
    """What can be stored of an output's metadata, name by name."""
    metadata = told.get("metadata")
    if not isinstance(metadata, dict):
        if metadata is not None:
            notes.add(f"metadata of {told['name']} is no object: left out")
        return {}
    kept = {k: v for k, v in metadata.items() if is_storable(k) and is_storable(v)}
    if len(kept) < len(metadata):
        left = next(name for name in metadata if name not in kept)
        notes.add(
            f"metadata of {told['name']}: {left[:100]!r} and {len(metadata) - len(kept) - 1} others are left out:"
            f" deeper than {MOST_DEPTH}, beyond any number, or with characters that can't be stored"
        )
    return kept


def is_storable(value: object, depth: int = MOST_DEPTH) -> bool:
    """Whether a JSON value can be stored, and read again: integers as large as a float may be."""
    match value:
        case str():
            return not _UNSTORABLE.search(value)
        case int():
            return value.bit_length() < 1024
        case float():
            return math.isfinite(value)
        case list():
            return depth > 0 and all(is_storable(each, depth - 1) for each in value)
        case dict():
            inner = (*value, *value.values())
            return depth > 0 and all(is_storable(each, depth - 1) for each in inner)
    return True
