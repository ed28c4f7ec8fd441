"""Launch directories: what travels to the jobs of one launch, and what comes back from them."""

import ctypes
import hashlib
import json
import logging
import math
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from batch import ReportKey
from domain.files import Delivery, Outcome

_log = logging.getLogger(__name__)

REPORT_BYTES = 10_000_000
_MARK = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_PAYLOAD = Path(__file__).parent / "payload"


class OrderChanged(Exception):
    """A launch directory of this mark exists and was made of another order."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """One input of a unit; a size of None is not checked."""

    id: int
    name: str
    path: str
    size: int | None = None
    checksum: str | None = None


@dataclass(frozen=True, slots=True)
class Generator:
    """Who a generated unit is, also when it is done again."""

    index: int
    seed: int
    run: int
    subrun: int
    first_event: int
    events: int


@dataclass(frozen=True, slots=True)
class Unit:
    """What one job must do."""

    number: int
    files: Sequence[InputFile] = ()
    generator: Generator | None = None
    parameter: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What one launch must do: the command, and the units that it is run for."""

    mark: str
    command: Sequence[str]
    store: str
    """Absolute folder for outputs."""
    units: Sequence[Unit]
    check: Sequence[str] = ()
    """Run with an output's path as its last argument; anything but 0 refuses the output."""
    environment: Mapping[str, str] = field(default_factory=dict)
    patterns: Sequence[str] = ()
    """Globs on names; each must match an output."""


def directory_of(spool: Path, mark: str) -> Path:
    """Where the launch directory of a mark is, or would be."""
    if not _MARK.fullmatch(mark):
        raise ValueError(f"a mark is letters, digits, '.', '_' and '-': {mark!r}")
    return spool / "launches" / mark


def prepare(spool: Path, order: Order) -> Path:
    """Make the launch directory, whole or not at all; the same order again finds it made."""
    directory, orders = directory_of(spool, order.mark), _orders(order)
    digest = hashlib.sha256(json.dumps(orders, sort_keys=True).encode()).hexdigest()
    if not directory.exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=f".{order.mark}.", dir=directory.parent))
        try:
            _fill(making, orders, digest)
            making.rename(directory)
            _sync(directory.parent)
        except FileExistsError:
            pass
        except OSError:
            if not directory.exists():
                raise
        finally:
            shutil.rmtree(making, ignore_errors=True)
    if (directory / "digest").read_text() != digest:
        raise OrderChanged(f"{directory} was made of another order; launch with a new mark")
    return directory


def put_entry(directory: Path) -> None:
    """Add what the jobs of a launch script run, `run NUMBER PROGRAM …`; whole or not at all."""
    text = (
        (_PAYLOAD / "run").read_text().replace("@LAUNCH@", shlex.quote(str(directory.absolute())))
    )
    fd, part = tempfile.mkstemp(prefix=".", dir=directory)
    with os.fdopen(fd, "w") as file:
        file.write(text)
        os.fchmod(file.fileno(), 0o755)
        os.fsync(file.fileno())
    os.rename(part, directory / "run")


def forget(spool: Path, mark: str) -> None:
    """Remove a launch directory, and what prepares that were killed left of it."""
    directory = directory_of(spool, mark)
    for path in (directory, *directory.parent.glob(f".{mark}.*")):
        shutil.rmtree(path, ignore_errors=True)


def _orders(order: Order) -> dict[str, str]:
    # File name → content of all that says what to do.
    launch: dict[str, Any] = {"version": 1, "mark": order.mark, "store": order.store}
    launch |= {"command": [*order.command], "check": [*order.check]}
    launch |= {"environment": {**order.environment}, "patterns": [*order.patterns]}
    orders = {f"units/{unit.number}.json": json.dumps(asdict(unit)) for unit in order.units}
    if len(orders) != len(order.units):
        raise ValueError("two units have one number")
    return {"launch.json": json.dumps(launch), **orders}


def _fill(making: Path, orders: Mapping[str, str], digest: str) -> None:
    making.chmod(0o755)
    for folder in ("units", "starts", "reports", "names", "batch/payload"):
        (making / folder).mkdir(parents=True)
    shutil.copy(_PAYLOAD / "payload.py", making)
    for module in _PAYLOAD.glob("*.py"):
        shutil.copy(module, making / "batch/payload")
    for name, text in {**orders, "digest": digest}.items():
        (making / name).write_text(text, encoding="utf-8")
    _sync(making)


def _sync(path: Path) -> None:
    # One syncfs for 10,000 small files: an fsync for each takes a minute.
    fd = os.open(path, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(fd):
            raise OSError(ctypes.get_errno(), "syncfs", str(path))
    finally:
        os.close(fd)


def reports(wanted: Sequence[ReportKey]) -> dict[ReportKey, Mapping[str, Any]]:
    """Read the reports that are there; what can't be read or is none is logged and left out."""
    read = {key: _report(key) for key in wanted}
    return {key: report for key, report in read.items() if report is not None}


def _report(key: ReportKey) -> dict[str, Any] | None:
    # Of a Path and a buffer as large as a report may be, each costs more than the report.
    path = f"{key.directory}/reports/{key.number}.{key.attempt}.json"
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size > REPORT_BYTES:
                raise ValueError(f"more than {REPORT_BYTES} bytes")
            text = file.read(size)
        report: object = json.loads(text)
        _check(report, key)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as wrong:
        _log.warning("report %s is left out: %s", path, wrong)
        return None
    return report if isinstance(report, dict) else None


_NUMBER, _TEXT = (int, float), (str, type(None))
_REPORT = {
    **{"started": str, "ended": str, "outcome": str, "reason": _TEXT, "host": str},
    **{"exit_code": (int, type(None)), "signal": (int, type(None)), "log_tail": str},
    **{"wall_s": _NUMBER, "cpu_s": _NUMBER, "memory_mb": _NUMBER, "inputs": list, "outputs": list},
}
_DELIVERIES, _OUTCOMES = frozenset(Delivery), frozenset(Outcome)
_INPUT = {"id": int, "name": str, "delivery": str, "outcome": str, "reason": _TEXT}
_OUTPUT = {
    **{"name": str, "path": str, "size": int, "checksum": str, "pattern": _TEXT, "parents": list},
    **{"events": (int, type(None)), "metadata": dict},
}


def _check(report: object, key: ReportKey) -> None:
    _shaped(report, _REPORT, "report")
    assert isinstance(report, dict)  # noqa: S101 - _shaped has seen to it
    told = (report.get("version"), report.get("number"), report.get("attempt"))
    if told != (1, key.number, key.attempt):
        raise ValueError("not of this job and attempt, or of another version")
    if report["outcome"] not in ("succeeded", "failed"):
        raise ValueError(f"unknown outcome {report['outcome']!r}")
    if not _storable(report):
        raise ValueError("holds what no database takes: NUL, a lone surrogate or a huge number")
    for each in report["inputs"]:
        _shaped(each, _INPUT, "input")
        if each["delivery"] not in _DELIVERIES or each["outcome"] not in _OUTCOMES:
            raise ValueError(f"unknown fate {each['delivery']!r}, {each['outcome']!r}")
    for each in report["outputs"]:
        _check_output(each)


def _check_output(output: object) -> None:
    _shaped(output, _OUTPUT, "output")
    assert isinstance(output, dict)  # noqa: S101 - _shaped has seen to it
    if not all(type(parent) is int for parent in output["parents"]):
        raise ValueError("parents of an output are ids")
    made_from = output.get("made_from", [])  # payloads that started earlier don't say it
    if type(made_from) is not list or not all(type(name) is str for name in made_from):
        raise ValueError("an output was made from others, by their names")


def _storable(value: object) -> bool:
    # Postgres takes neither NUL nor a lone surrogate, and no number beyond 64 bits.
    match value:
        case str():
            return not _UNSTORABLE.search(value)
        case int():
            return -(1 << 63) <= value < 1 << 63
        case float():
            return math.isfinite(value)
        case list():
            return all(map(_storable, value))
        case dict():
            return all(map(_storable, value)) and all(map(_storable, value.values()))
    return True


def _shaped(value: object, shape: Mapping[str, Any], what: str) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no object")
    for name, type_ in shape.items():
        if name not in value or not isinstance(value[name], type_) or value[name] is True:
            raise ValueError(f"{what} has a wrong or no {name!r}")
