"""Launches of which nothing is shared with the machines: what goes with each job, and what comes back."""

import errno
import json
import secrets
import shutil
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from batch import ReportKey
from batch.directory import SECRETS
from batch.files import read_plain
from batch.payload.plain_files import UnsafeFileError, open_plain_file
from domain.files.store import is_within

SCRIPT, PACK = "job.sh", "carried.zip"
"""The payload goes as one file, which Python runs as it is: each file of each job costs a message or two."""
_TRAVELS = (SCRIPT, PACK, "launch.json", "units/$(POMS_NUMBER).json")
COMES_BACK = ("reports", "outputs")
"""Folders of a launch directory; what is in them has the job's number and attempt in its name."""
_MOST = 10_000_000


def describe_transfer(directory: str) -> dict[str, str]:
    """How HTCondor carries a launch; its items bring POMS_INPUTS."""
    secrets = (SECRETS,) if (Path(directory) / SECRETS).exists() else ()
    files = [f"{directory}/{name}" for name in (*_TRAVELS, *secrets)]
    return {
        "arguments": "job.sh - $(POMS_NUMBER)",
        "should_transfer_files": "YES",
        "when_to_transfer_output": "ON_EXIT",
        "transfer_input_files": ",".join([*files, "$(POMS_INPUTS)"]),
        "transfer_output_files": ",".join(COMES_BACK),
    }


def pack_payload(directory: Path, target: Path) -> None:
    """Put a launch's payload into one file."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        # A folder alone is no package there.
        packed.writestr("batch/__init__.py", "")
        for path in sorted(directory.glob("batch/payload/*.py")):
            packed.write(path, path.relative_to(directory))
        with suppress(FileNotFoundError):
            packed.write(directory / "payload.py", "__main__.py")


def is_carried(directory: Path) -> bool:
    """Whether the outputs of a launch are to be brought from its directory: its own jobs can't reach the store."""
    return (directory / PACK).exists()


_ITS_OWN = frozenset(
    {
        *(errno.ENAMETOOLONG, errno.ELOOP, errno.EISDIR, errno.ENOTDIR, errno.EINVAL),
        *(errno.ENOENT, errno.ENXIO, errno.EFBIG),
    }
)
"""Errors that are the fault of what a job left behind, and not of the store."""


def collect_transferred_outputs(key: ReportKey, report: Mapping[str, Any]) -> Mapping[str, Any]:
    """A report whose outputs are in the store, also where they come back with it."""
    return place_transferred_outputs(key, report) if is_carried(key.directory) else report


def place_transferred_outputs(key: ReportKey, report: Mapping[str, Any]) -> Mapping[str, Any]:
    """Bring outputs that came back into the store, as that attempt's alone; once more changes nothing.

    Where the launch's own files were tampered with, or what came back can't be outputs, the job has failed.
    """
    names = [output["name"] for output in report["outputs"]]
    try:
        launch = json.loads(read_plain(key.directory / "launch.json", _MOST))
        place = Path(launch["store"]) / f"{key.number}.{key.attempt}"
        if not is_within(place, Path(launch.get("folder") or launch["store"])):
            raise _UnexpectedFile(f"{place} leads out of the experiment's folder")
        if names and not place.exists():
            _publish_attempt(key, place, names)
        shutil.rmtree(key.directory / "outputs" / place.name, ignore_errors=True)
    except (_UnexpectedFile, ValueError, TypeError, KeyError, OSError) as wrong:
        if isinstance(wrong, OSError) and wrong.errno not in _ITS_OWN:
            raise
        void = [{**each, "outcome": "failed", "reason": "stage_out"} for each in report["inputs"]]
        told = {"outcome": "failed", "reason": "stage_out", "inputs": void, "outputs": []}
        return {**report, **told, "log_tail": f"{report['log_tail']}\n[{wrong}]"}
    return {
        **report,
        "outputs": [
            {**o, "path": str(_locate_transferred_file(place, o["name"]))}
            for o in report["outputs"]
        ],
    }


class _UnexpectedFile(Exception):
    """What came back is not what jobs' outputs are."""


def _locate_transferred_file(place: Path, name: str) -> Path:
    # What was brought before attempts had folders of their own lies above them.
    return place.parent / name if (place.parent / name).exists() else place / name


def _publish_attempt(key: ReportKey, place: Path, names: list[str]) -> None:
    """Let an attempt's folder appear in the store, whole; one that is there is never replaced."""
    came = key.directory / "outputs" / place.name
    part = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
    part.mkdir(parents=True)
    try:
        for name in names:
            _take_transferred_file(key, came, name, part)
        part.rename(place)
    except OSError as wrong:
        # Another reader may have been faster: the same came to both.
        if wrong.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _take_transferred_file(key: ReportKey, came: Path, name: str, part: Path) -> None:
    if name in ("", ".", "..") or "/" in name:
        raise _UnexpectedFile(f"no name of an output: {name!r}")
    try:
        # Copied, since a file that is to be located has one name: nobody else may write to it.
        with (
            open_plain_file(str(came / name), str(key.directory)) as fd,
            open(fd, "rb", closefd=False) as source,
            (part / name).open("xb") as target,
        ):
            shutil.copyfileobj(source, target, 1 << 20)
    except FileNotFoundError:
        # What did not come is missed by who looks at size and checksum.
        return
    except UnsafeFileError as wrong:
        raise _UnexpectedFile(f"{name}: {wrong}") from wrong
