"""Launches of which nothing is shared with the machines: what goes with each job, and what comes back."""

import json
import os
import re
import shutil
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from batch import BatchRefused, Launch, ReportKey

SCRIPT, PACK = "job.sh", "carried.zip"
"""The payload goes as one file, which Python runs as it is: each file of each job costs a message or two."""
_TRAVELS = (SCRIPT, PACK, "launch.json", "units/$(POMS_NUMBER).json")
COMES_BACK = ("reports", "outputs")
"""Folders of a launch directory; what is in them has the job's number and attempt in its name."""
_OURS = frozenset(
    (
        SCRIPT,
        PACK,
        *COMES_BACK,
        "payload.py",
        "launch.json",
        "batch",
        "units",
        "starts",
        "names",
        "poms",
    )
)
_PATH = re.compile(r"/[A-Za-z0-9_./+@:=~%-]+")


def description(directory: str) -> dict[str, str]:
    """How HTCondor carries a launch; its items bring POMS_INPUTS."""
    files = [f"{directory}/{name}" for name in _TRAVELS]
    return {
        "arguments": "job.sh - $(POMS_NUMBER)",
        "should_transfer_files": "YES",
        "when_to_transfer_output": "ON_EXIT",
        "transfer_input_files": ",".join([*files, "$(POMS_INPUTS)"]),
        "transfer_output_files": ",".join(COMES_BACK),
    }


def pack(directory: Path, target: Path) -> None:
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


def inputs(launch: Launch, *, only_present: bool = False) -> list[str]:
    """The inputs of each job, as HTCondor lists them; one that isn't there may be left to the payload to miss."""
    units = [launch.directory / f"units/{number}.json" for number in launch.jobs]
    return [_inputs(unit, only_present=only_present) for unit in units]


def _inputs(unit: Path, *, only_present: bool) -> str:
    paths = [file["path"] for file in json.loads(unit.read_text())["files"]]
    if wrong := [path for path in paths if not _PATH.fullmatch(path)]:
        raise BatchRefused(f"HTCondor is not given an input of this name: {wrong[0]!r}")
    names = [os.path.basename(path) for path in paths]
    if wrong := [n for n in names if n in _OURS or n == unit.name or n.startswith("_condor")]:
        raise BatchRefused(f"an input that goes with its job can't have this name: {wrong[0]!r}")
    if len(set(names)) < len(names):
        raise BatchRefused(f"two inputs of job {unit.stem} have one name, and go to one folder")
    return ",".join(path for path in paths if not only_present or os.path.exists(path))


def brought(key: ReportKey, report: Mapping[str, Any]) -> Mapping[str, Any]:
    """A report whose outputs are brought into the store; once more changes nothing."""
    store = Path(json.loads((key.directory / "launch.json").read_text())["store"])
    store.mkdir(parents=True, exist_ok=True)
    came = key.directory / f"outputs/{key.number}.{key.attempt}"
    try:
        outputs = [_put(key, came, store, each) for each in report["outputs"]]
    except _Taken as taken:
        void = [{**each, "outcome": "failed", "reason": "stage_out"} for each in report["inputs"]]
        told = {"outcome": "failed", "reason": "stage_out", "inputs": void, "outputs": []}
        return {**report, **told, "log_tail": f"{report['log_tail']}\n[{taken}]"}
    return {**report, "outputs": outputs}


class _Taken(Exception):
    """Another job of the launch has made an output of this name."""


def _put(key: ReportKey, came: Path, store: Path, output: Mapping[str, Any]) -> Mapping[str, Any]:
    name: str = output["name"]
    if name in ("", ".", "..") or "/" in name:
        raise _Taken(f"no name of an output: {name!r}")
    _claim(key, name)
    target, part = store / name, store / f".{name}.{key.number}.{key.attempt}.part"
    # Another reader may be at it, or was; what is there in the end is looked at, size and checksum.
    with suppress(FileNotFoundError):
        shutil.move(came / name, part)
        part.rename(target)
    return {**output, "path": str(target)}


def _claim(key: ReportKey, name: str) -> None:
    claim = key.directory / "names" / name
    try:
        claim.symlink_to(str(key.number))
    except FileExistsError:
        if os.readlink(claim) != str(key.number):
            raise _Taken(f"{name} is an output of job {os.readlink(claim)}") from None
