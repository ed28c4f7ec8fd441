"""Launch directories: what travels to the jobs of one launch, and what comes back from them."""

import ctypes
import hashlib
import json
import logging
import math
import os
import py_compile
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from batch import ReportBatch, ReportKey
from batch.files import open_plain
from domain.submissions.reports import limit_report, make_bad_report
from domain.submissions.units import UnitIdentity

_log = logging.getLogger(__name__)

REPORT_BYTES = 10_000_000
HELD_BYTES = 8_000_000
"""When so much of reports has been read, the others have to wait until these are done with."""
MOST_DIGITS = 4_000
_MARK = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
SECRETS = "secrets.json"
_PAYLOAD = Path(__file__).parent / "payload"


class OrderChanged(Exception):
    """A launch directory of this mark exists and was made of another order."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """One input of a unit; a size of None is not checked."""

    id: int
    name: str
    path: str
    """On a disk; or an address, or a name in an outside catalog, which the job is given as it is (`is_elsewhere`)."""
    size: int | None = None
    checksum: str | None = None
    replicas: Sequence[str] = ()
    """Where else it lies."""
    is_elsewhere: bool = False
    """No place on a disk: nothing of ours opens it."""


@dataclass(frozen=True, slots=True)
class LaunchUnit:
    """What one job must do."""

    number: int
    files: Sequence[InputFile] = ()
    generator: UnitIdentity | None = None
    parameter: str | None = None


@dataclass(frozen=True, slots=True)
class LaunchOrder:
    """What one launch must do: the command, and the units that it is run for."""

    mark: str
    command: Sequence[str]
    store: str
    """Absolute folder for outputs, of this launch alone."""
    units: Sequence[LaunchUnit]
    check: Sequence[str] = ()
    """Run with an output's path as its last argument; anything but 0 refuses the output."""
    environment: Mapping[str, str] = field(default_factory=dict)
    patterns: Sequence[str] = ()
    """Globs on names; each must match an output."""
    verify: bool = True
    """Whether each job compares the checksums of its inputs, which costs it one read of them."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables that only who runs the jobs may read, besides who prepares them; not in what makes orders equal."""
    folder: str = ""
    """The experiment's own folder, which no link in `store` may lead out of where workers write there."""


def locate_launch_directory(spool: Path, mark: str) -> Path:
    """Where the launch directory of a mark is, or would be."""
    if not _MARK.fullmatch(mark):
        raise ValueError(f"a mark is letters, digits, '.', '_' and '-': {mark!r}")
    return spool / "launches" / mark


def prepare_directory(spool: Path, order: LaunchOrder) -> Path:
    """Make the launch directory, whole or not at all; the same order again finds it made."""
    directory, orders = locate_launch_directory(spool, order.mark), _render_orders(order)
    # A worker that is told otherwise how to check inputs prepares the same launch.
    same = json.dumps(_render_orders(replace(order, verify=True)), sort_keys=True)
    digest = hashlib.sha256(same.encode()).hexdigest()
    if not directory.exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=f".{order.mark}.", dir=directory.parent))
        try:
            _write_launch_files(making, orders, digest)
            making.rename(directory)
            _sync_filesystem(directory.parent)
        except FileExistsError:
            pass
        except OSError:
            if not directory.exists():
                raise
        finally:
            shutil.rmtree(making, ignore_errors=True)
    if (directory / "digest").read_text() != digest:
        raise OrderChanged(f"{directory} was made of another order")
    if order.secrets:
        _put_secrets(directory, order.secrets)
    return directory


def _put_secrets(directory: Path, secrets: Mapping[str, str]) -> None:
    """Add the secrets of now, whole or not at all, in a file that nobody else may read."""
    fd, part = tempfile.mkstemp(prefix=".", dir=directory)
    with os.fdopen(fd, "w") as file:
        json.dump(dict(secrets), file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(part, directory / SECRETS)


def put_entry(directory: Path) -> None:
    """Add what the jobs of a launch script run, `run NUMBER PROGRAM …`; whole or not at all."""
    text = read_start_script(_PAYLOAD / "run").replace(
        "@LAUNCH@", shlex.quote(str(directory.absolute()))
    )
    fd, part = tempfile.mkstemp(prefix=".", dir=directory)
    with os.fdopen(fd, "w") as file:
        file.write(text)
        os.fchmod(file.fileno(), 0o755)
        os.fsync(file.fileno())
    os.rename(part, directory / "run")


def read_start_script(path: Path) -> str:
    """A script that a batch system starts jobs with, and in it the text that waits for their payload."""
    return path.read_text().replace(
        "@WAIT_FOR_PAYLOAD@", (_PAYLOAD / "wait_for_payload.py").read_text()
    )


def remove_launch_directory(spool: Path, mark: str) -> None:
    """Remove a launch directory, and what prepares that were killed left of it."""
    directory = locate_launch_directory(spool, mark)
    for path in (directory, *directory.parent.glob(f".{mark}.*")):
        shutil.rmtree(path, ignore_errors=True)


def _render_orders(order: LaunchOrder) -> dict[str, str]:
    # File name → content of all that says what to do.
    launch: dict[str, Any] = {"version": 1, "mark": order.mark, "store": order.store}
    launch |= {"folder": order.folder} if order.folder else {}
    launch |= {"command": [*order.command], "check": [*order.check]}
    launch |= {"environment": {**order.environment}, "patterns": [*order.patterns]}
    launch |= {} if order.verify else {"verify": False}
    orders = {f"units/{unit.number}.json": json.dumps(asdict(unit)) for unit in order.units}
    if len(orders) != len(order.units):
        raise ValueError("two units have one number")
    return {"launch.json": json.dumps(launch), **orders}


def _write_launch_files(making: Path, orders: Mapping[str, str], digest: str) -> None:
    making.chmod(0o755)
    for folder in ("units", "starts", "reports", "batch/payload/__pycache__"):
        (making / folder).mkdir(parents=True)
    shutil.copy(_PAYLOAD / "payload.py", making)
    for module in _PAYLOAD.glob("*.py"):
        shutil.copy(module, making / "batch/payload")
    for name, code in _compile_payload().items():
        (making / "batch/payload/__pycache__" / name).write_bytes(code)
    for name, text in {**orders, "digest": digest}.items():
        (making / name).write_text(text, encoding="utf-8")
    _sync_filesystem(making)


@cache
def _compile_payload() -> Mapping[str, bytes]:
    """The payload's modules, compiled for jobs with this Python: no job writes that into a launch directory."""
    with tempfile.TemporaryDirectory() as folder:
        for module in _PAYLOAD.glob("*.py"):
            py_compile.compile(
                str(module),
                f"{folder}/{module.stem}.{sys.implementation.cache_tag}.pyc",
                dfile=module.name,
                doraise=True,
                # It came with its source, and both stay as they are.
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        return {made.name: made.read_bytes() for made in Path(folder).iterdir()}


def _sync_filesystem(path: Path) -> None:
    # One syncfs for 10,000 small files: an fsync for each takes a minute.
    fd = os.open(path, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(fd):
            raise OSError(ctypes.get_errno(), "syncfs", str(path))
    finally:
        os.close(fd)


def read_reports(wanted: Sequence[ReportKey]) -> ReportBatch:
    """Read the reports that are there, in order, some MB of them; one that can't be read is of a failed job."""
    found, held = ReportBatch(), 0
    for place, key in enumerate(wanted):
        report, size = _read_report(key)
        if report is not None:
            found[key] = report
        held += size
        if held >= HELD_BYTES:
            found.remaining = wanted[place + 1 :]
            break
    return found


def locate_report(key: ReportKey) -> str:
    """Where a report comes to."""
    # Of a Path and a buffer as large as a report may be, each costs more than the report.
    return f"{key.directory}/reports/{key.number}.{key.attempt}.json"


def _read_report(key: ReportKey) -> tuple[dict[str, Any] | None, int]:
    """A report as it counts, None where there is none; and how many bytes were read."""
    path, size = locate_report(key), 0
    try:
        with open_plain(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > REPORT_BYTES:
                raise ValueError(f"more than {REPORT_BYTES} bytes")
            text = file.read(size)
        return limit_report(_parse_json(text), key.number, key.attempt), size
    except FileNotFoundError:
        return None, 0
    except (OSError, ValueError, RecursionError) as wrong:
        _log.warning("report %s can't be read: %s", path, wrong)
        return make_bad_report(f"{path}: {wrong}"), 0


def _parse_json(text: bytes) -> object:
    try:
        return json.loads(text)
    except ValueError:  # perhaps only for a number with more digits than Python reads
        return json.loads(text, parse_int=_parse_integer)


def _parse_integer(text: str) -> float:
    return int(text) if len(text) <= MOST_DIGITS else math.inf
