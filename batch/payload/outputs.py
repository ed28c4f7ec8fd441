"""What a command made of its inputs: their fates, and the outputs that count."""

from __future__ import annotations

import hashlib
import json
import os
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from typing import Any

from batch.payload.job import Job, Refused

SAID_BYTES, MOST_OUTPUTS, MOST_STEPS, PIECE = 4_000_000, 10_000, 10, 1 << 20


def said(path: str) -> list[dict[str, Any]] | None:
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
        raise Refused("bad_output", f"{path} can't be understood: {wrong}") from wrong
    return lines


def decide_fates(job: Job, result: int) -> bool:
    """Give every input its fate, in the command's words or by how it ended; True: it told."""
    told = said(".poms/fates")
    default = ("done", None) if result == 0 else ("failed", "signal" if result < 0 else "exit")
    job.fates = {file["name"]: default for file in job.inputs}
    for line in told or []:
        name, outcome, reason = line.get("input"), line.get("outcome"), line.get("reason")
        if name not in job.fates or outcome not in ("done", "failed", "skipped"):
            raise Refused("bad_output", f"no such fate: {json.dumps(line)[:200]}")
        job.fates[name] = (outcome, None if reason is None else str(reason)[:500])
    return told is not None


def _declared(
    job: Job, line: dict[str, Any], patterns: list[str], made: set[str]
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
        raise Refused("bad_output", f"{', '.join(filter(None, wrong))}: {json.dumps(line)[:300]}")
    name = os.path.basename(str(path))
    pattern = next((each for each in patterns if fnmatchcase(name, each)), None)
    names = list(map(str, parents))
    inputs = [each for each in names if each in job.fates]
    others = [each for each in names if each not in job.fates]
    told = {"parents": inputs, "made_from": others, "events": events, "metadata": metadata}
    return {"name": name, "from": path, "pattern": pattern, **told}


def _made(job: Job, before: set[str], patterns: list[str]) -> list[dict[str, Any]]:
    # A command that doesn't tell made one whole of all that it didn't skip.
    parents = [name for name, fate in job.fates.items() if fate[0] != "skipped"]
    new = [name for name in sorted(set(os.listdir(".")) - before) if os.path.isfile(name)]
    matching = [name for name in new if any(fnmatchcase(name, each) for each in patterns)]
    return [{"path": name, "parents": parents} for name in matching]


def _in_order(made_from: dict[str, set[str]]) -> list[str]:
    """Names of outputs, each after those that it was made from."""
    steps: dict[str, int] = {}
    try:
        for name in TopologicalSorter(made_from).static_order():
            steps[name] = 1 + max((steps[each] for each in made_from[name]), default=0)
    except CycleError as ring:
        raise Refused("bad_output", f"made from each other: {' '.join(ring.args[1])}") from ring
    if far := [name for name, number in steps.items() if number > MOST_STEPS]:
        raise Refused("bad_output", f"{far[0]} is more than {MOST_STEPS} steps below the inputs")
    return list(steps)


def _counting(job: Job, outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of which all parents are done or, where these are outputs themselves, count."""
    of_name: dict[str, list[dict[str, Any]]] = {}
    for output in outputs:
        of_name.setdefault(output["name"], []).append(output)
    good: set[str] = set()

    def counts(output: dict[str, Any]) -> bool:
        done = all(job.fates[each][0] == "done" for each in output["parents"])
        return done and good.issuperset(output["made_from"])

    made_from = {n: {m for o in found for m in o["made_from"]} for n, found in of_name.items()}
    for name in _in_order(made_from):
        if any(map(counts, of_name[name])):
            good.add(name)
    return [output for output in outputs if counts(output)]


def collect(job: Job, before: set[str], result: int) -> list[dict[str, Any]]:
    """The outputs that count."""
    patterns: list[str] = job.launch.get("patterns") or []
    told, lines = decide_fates(job, result), said(".poms/outputs")
    if result and not (told and lines):
        lose_done(job, patterns, "signal" if result < 0 else "exit")
        return []
    lines = _made(job, before, patterns) if lines is None else lines
    made = {os.path.basename(str(line.get("path"))) for line in lines}
    outputs = _counting(job, [_declared(job, line, patterns, made) for line in lines])
    if len(outputs) > MOST_OUTPUTS or len({o["name"] for o in outputs}) < len(outputs):
        raise Refused("bad_output", f"outputs of one name, or more than {MOST_OUTPUTS}")
    lacking = [p for p in patterns if not any(fnmatchcase(o["name"], p) for o in outputs)]
    worked = not job.fates or any(fate[0] == "done" for fate in job.fates.values())
    if result == 0 and worked and lacking:
        raise Refused("no_output", f"nothing that counts matches {' '.join(lacking)}")
    return outputs


def lose_done(job: Job, patterns: list[str], reason: str) -> None:
    """Take back what was called done where outputs were wanted of it and none are kept."""
    if patterns:
        for name, fate in job.fates.items():
            job.fates[name] = ("failed", reason) if fate[0] == "done" else fate


def stage_out(job: Job, outputs: list[dict[str, Any]]) -> None:
    """Copy outputs into the store, each whole or not at all."""
    store = job.launch["store"]
    try:
        os.makedirs(store, exist_ok=True)
        for output in outputs:
            _claim(job, output["name"])
            path = output.pop("from")
            job.outputs.append({**output, **_copied(job, path, store, output["name"])})
        fd = os.open(store, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)
    except OSError as wrong:
        raise Refused("stage_out", f"{wrong.strerror}: {wrong.filename}") from wrong


def _claim(job: Job, name: str) -> None:
    # Two jobs of a launch that write one name would silently replace each other's output.
    claim = os.path.join(job.directory, "names", name)
    try:
        os.symlink(str(job.number), claim)
    except FileExistsError:
        if os.readlink(claim) != str(job.number):
            raise Refused("stage_out", f"{name} is an output of job {os.readlink(claim)}") from None


def _copied(job: Job, path: str, store: str, name: str) -> dict[str, Any]:
    part, digest, size = f"{store}/.{name}.{job.number}.{job.attempt}.part", hashlib.sha256(), 0
    try:
        with open(path, "rb") as source, open(part, "wb") as target:
            while piece := source.read(PIECE):
                digest.update(piece)
                size += target.write(piece)
            target.flush()
            os.fsync(target.fileno())
        os.replace(part, f"{store}/{name}")
    except BaseException:
        if os.path.exists(part):
            os.unlink(part)
        raise
    return {"path": f"{store}/{name}", "size": size, "checksum": f"sha256:{digest.hexdigest()}"}
