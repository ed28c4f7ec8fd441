"""What a command made of its inputs: their fates, and the outputs that count."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from typing import Any

from batch.payload.job import AttemptRefused, PayloadJob

SAID_BYTES, MOST_OUTPUTS, MOST_STEPS, PIECE = 4_000_000, 10_000, 10, 1 << 20
MOST_STARTS = 1_000
"""So often one attempt may be started, by mistake of the batch system."""


def read_json_lines(path: str) -> list[dict[str, Any]] | None:
    """The JSON lines that the command wrote into one of its files; None where it wrote none."""
    if not os.path.exists(path):
        return None
    try:
        with open(path, "rb") as file:
            text = file.read(SAID_BYTES + 1)
        if len(text) > SAID_BYTES:
            raise ValueError(f"more than {SAID_BYTES} bytes")
        lines = [json.loads(line) for line in text.splitlines() if line.strip()]
        json.dumps(lines, allow_nan=False)
        if not all(isinstance(line, dict) for line in lines):
            raise ValueError("each line must be an object")
    except ValueError as wrong:
        raise AttemptRefused("bad_output", f"{path} can't be understood: {wrong}") from wrong
    return lines


def decide_fates(job: PayloadJob, result: int) -> bool:
    """Give every input its fate, in the command's words or by how it ended; True: it told."""
    told = read_json_lines(".poms/fates")
    default = ("done", None) if result == 0 else ("failed", "signal" if result < 0 else "exit")
    job.fates = {file["name"]: default for file in job.inputs}
    for line in told or []:
        name, outcome, reason = line.get("input"), line.get("outcome"), line.get("reason")
        if name not in job.fates or outcome not in ("done", "failed", "skipped"):
            raise AttemptRefused("bad_output", f"no such fate: {json.dumps(line)[:200]}")
        job.fates[name] = (outcome, None if reason is None else str(reason)[:500])
    return told is not None


def _describe_declared_output(
    job: PayloadJob, line: dict[str, Any], made: set[str]
) -> dict[str, Any]:
    path, events = line.get("path"), line.get("events")
    parents, metadata = line.get("parents", list(job.fates)), line.get("metadata") or {}
    known = job.fates.keys() | made
    strange = not isinstance(parents, list) or any(str(each) not in known for each in parents)
    uncountable = events is not None and (type(events) is not int or not 0 <= events < 1 << 62)
    wrong = [
        "path is no file" * (not isinstance(path, str) or not os.path.isfile(path)),
        "name is not UTF-8" * (str(path).encode("utf-8", "replace").decode() != path),
        *("unknown parents" * strange, "bad events" * uncountable),
        "bad metadata" * (not isinstance(metadata, dict)),
    ]
    if any(wrong):
        raise AttemptRefused(
            "bad_output", f"{', '.join(filter(None, wrong))}: {json.dumps(line)[:300]}"
        )
    name = os.path.basename(str(path))
    names = list(map(str, parents))
    inputs = [each for each in names if each in job.fates]
    others = [each for each in names if each not in job.fates]
    told = {"parents": inputs, "made_from": others, "events": events, "metadata": metadata}
    return {"name": name, "from": path, **told}


def _list_made_outputs(
    job: PayloadJob, before: set[str], patterns: list[str]
) -> list[dict[str, Any]]:
    # A command that doesn't tell made one whole of all that it didn't skip.
    parents = [name for name, fate in job.fates.items() if fate[0] != "skipped"]
    new = [name for name in sorted(set(os.listdir(".")) - before) if os.path.isfile(name)]
    matching = [name for name in new if any(fnmatchcase(name, each) for each in patterns)]
    return [{"path": name, "parents": parents} for name in matching]


def _order_outputs(made_from: dict[str, set[str]]) -> list[str]:
    """Names of outputs, each after those that it was made from."""
    steps: dict[str, int] = {}
    try:
        for name in TopologicalSorter(made_from).static_order():
            steps[name] = 1 + max((steps[each] for each in made_from[name]), default=0)
    except CycleError as ring:
        raise AttemptRefused(
            "bad_output", f"made from each other: {' '.join(ring.args[1])}"
        ) from ring
    if far := [name for name, number in steps.items() if number > MOST_STEPS]:
        raise AttemptRefused(
            "bad_output", f"{far[0]} is more than {MOST_STEPS} steps below the inputs"
        )
    return list(steps)


def _select_counting_outputs(
    job: PayloadJob, outputs: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Those of which all parents are done or, where these are outputs themselves, count."""
    of_name: dict[str, list[dict[str, Any]]] = {}
    for output in outputs:
        of_name.setdefault(output["name"], []).append(output)
    good: set[str] = set()

    def counts(output: dict[str, Any]) -> bool:
        done = all(job.fates[each][0] == "done" for each in output["parents"])
        return done and good.issuperset(output["made_from"])

    made_from = {n: {m for o in found for m in o["made_from"]} for n, found in of_name.items()}
    for name in _order_outputs(made_from):
        if any(map(counts, of_name[name])):
            good.add(name)
    return [output for output in outputs if counts(output)]


def collect_outputs(job: PayloadJob, before: set[str], result: int) -> list[dict[str, Any]]:
    """The outputs that count."""
    patterns: list[str] = job.launch.get("patterns") or []
    told, lines = decide_fates(job, result), read_json_lines(".poms/outputs")
    if result and not (told and lines):
        retract_done(job, patterns, "signal" if result < 0 else "exit")
        return []
    lines = _list_made_outputs(job, before, patterns) if lines is None else lines
    made = {os.path.basename(str(line.get("path"))) for line in lines}
    outputs = _select_counting_outputs(
        job, [_describe_declared_output(job, line, made) for line in lines]
    )
    if len(outputs) > MOST_OUTPUTS or len({o["name"] for o in outputs}) < len(outputs):
        raise AttemptRefused("bad_output", f"outputs of one name, or more than {MOST_OUTPUTS}")
    lacking = [p for p in patterns if not any(fnmatchcase(o["name"], p) for o in outputs)]
    worked = not job.fates or any(fate[0] == "done" for fate in job.fates.values())
    if result == 0 and worked and lacking:
        raise AttemptRefused("no_output", f"nothing that counts matches {' '.join(lacking)}")
    return outputs


def retract_done(job: PayloadJob, patterns: list[str], reason: str) -> None:
    """Take back what was called done where outputs were wanted of it and none are kept."""
    if patterns:
        for name, fate in job.fates.items():
            job.fates[name] = ("failed", reason) if fate[0] == "done" else fate


def stage_outputs(job: PayloadJob, outputs: list[dict[str, Any]]) -> None:
    """Put outputs into a folder of the store that is this attempt's alone; it appears whole or not at all."""
    store, name = job.launch["store"], f"{job.number}.{job.attempt}"
    try:
        os.makedirs(store, exist_ok=True)
        for earlier in range(1, job.attempt):
            # What attempts left that were killed meanwhile: since this one was started, they don't count any more.
            shutil.rmtree(f"{store}/.{job.number}.{earlier}.part", ignore_errors=True)
        part = _make_hidden_folder(store, name)
        try:
            copied = [_copy_output(output, part) for output in outputs]
            _sync_folder(part)
            place = _publish_folder(part, store, name)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        _sync_folder(store)
    except OSError as wrong:
        raise AttemptRefused("stage_out", f"{wrong.strerror}: {wrong.filename}") from wrong
    job.outputs += [{**output, "path": f"{place}/{output['name']}"} for output in copied]


def _iterate_folder_names(name: str) -> Iterator[str]:
    # A batch system that lost count may start one attempt twice: each start has a place of its own all the same.
    yield name
    for again in range(2, MOST_STARTS):
        yield f"{name}-{again}"


def _make_hidden_folder(store: str, name: str) -> str:
    for each in _iterate_folder_names(name):
        with suppress(FileExistsError):
            os.mkdir(f"{store}/.{each}.part")
            return f"{store}/.{each}.part"
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), f"{store}/.{name}.part")


def _publish_folder(part: str, store: str, name: str) -> str:
    # A folder is never renamed onto one that holds anything, on any file system: nothing is replaced.
    for each in _iterate_folder_names(name):
        try:
            os.rename(part, f"{store}/{each}")
        except OSError as wrong:
            if wrong.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise
        else:
            return f"{store}/{each}"
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), f"{store}/{name}")


def _sync_folder(folder: str) -> None:
    fd = os.open(folder, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def _copy_output(output: dict[str, Any], folder: str) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    with (
        open(output.pop("from"), "rb") as source,
        open(f"{folder}/{output['name']}", "xb") as target,
    ):
        while piece := source.read(PIECE):
            digest.update(piece)
            size += target.write(piece)
        target.flush()
        os.fsync(target.fileno())
    return {**output, "size": size, "checksum": f"sha256:{digest.hexdigest()}"}
