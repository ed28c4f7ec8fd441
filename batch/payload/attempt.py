"""One attempt from its start to its report."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
import traceback
from typing import Any

from batch.payload.command import Stopped, run
from batch.payload.job import CODES, Job, Refused, now
from batch.payload.outputs import collect, stage_out

GENERATOR_NAMES = ("index", "seed", "run", "subrun", "first_event", "events")
DELIVERY = {"done": "consumed", "failed": "delivered", "skipped": "skipped", "missing": "waiting"}
OUTCOME = {"done": "done", "failed": "failed", "skipped": "none", "missing": "failed"}


def _stop(number: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped(number)


def check_inputs(job: Job) -> None:
    """Refuse to run the command without all of its inputs, whole."""
    for file in job.inputs:
        size = os.path.getsize(file["path"]) if os.path.isfile(file["path"]) else None
        if size is None or size != file.get("size", size):
            job.fates[file["name"]] = ("missing", "missing_input")
            found = "is not there" if size is None else f"has {size} bytes, not {file['size']}"
            job.log.note(f"input {file['path']} {found}")
    if job.fates:
        job.fates = {
            f["name"]: job.fates.get(f["name"], ("missing", "not_run")) for f in job.inputs
        }
        raise Refused("missing_input", "the command was not run")


def environment(job: Job) -> dict[str, str]:
    """What the command finds in its environment; POMS*_ only from the launch and from here."""
    ours = ("POMS_", "POMS4_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    env.update(job.launch.get("environment") or {})
    os.makedirs(".poms", exist_ok=True)
    for name in ("inputs", "fates", "outputs"):
        env["POMS_" + name.upper()] = os.path.abspath(f".poms/{name}")
    with open(".poms/inputs", "w", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(f"{each['path']}\n" for each in job.inputs)
    generator, parameter = job.unit.get("generator") or {}, job.unit.get("parameter")
    env.update({"POMS_" + n.upper(): str(generator[n]) for n in GENERATOR_NAMES if n in generator})
    env.update(POMS_PARAMETER="" if parameter is None else str(parameter))
    env.update(POMS_JOB=str(job.number), POMS_ATTEMPT=str(job.attempt))
    return env


def attempt(job: Job) -> int:
    """Do the work and put its outputs into the store; returns how the command ended."""
    job.journal_start()
    job.load()
    check_inputs(job)
    env, before, begin = environment(job), set(os.listdir(".")), time.monotonic()
    try:
        result = run(job.launch["command"], env, job.log)
    finally:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        job.wall_s, job.memory_mb = time.monotonic() - begin, used.ru_maxrss / 1024
        job.cpu_s = used.ru_utime + used.ru_stime
    outputs, check = collect(job, before, result), job.launch.get("check")
    for output in outputs if check else ():
        if run([*(check or ()), output["from"]], env, job.log):
            raise Refused("bad_output", f"the check refused {output['name']}")
    if outputs:
        stage_out(job, outputs)
    return result


def void(job: Job, reason: str) -> None:
    """Let nothing of the attempt count."""
    job.outputs = []
    job.fates = {file["name"]: ("failed", reason) for file in job.inputs}


def judged(job: Job) -> tuple[str | None, int]:
    """Make the attempt; why it failed, and how it ends (negative: by that signal). Never raises."""
    try:
        code = attempt(job)
        return "signal" if code < 0 else "exit" if code else None, code
    except Stopped:
        void(job, "signal")
        return "signal", -signal.SIGTERM
    except Refused as refused:
        job.log.note(f"{refused.reason}: {refused}")
        if refused.reason != "missing_input":
            void(job, refused.reason)
        return refused.reason, CODES[refused.reason]
    except Exception:
        job.log.note(traceback.format_exc())
        void(job, "payload")
        return "payload", CODES["payload"]


def report(job: Job, reason: str | None, code: int) -> dict[str, Any]:
    """What POMS is told of the attempt."""
    inputs, ids = [], {file["name"]: file["id"] for file in job.inputs}
    for file in job.inputs:
        fate, why = job.fates[file["name"]]
        told = {"delivery": DELIVERY[fate], "outcome": OUTCOME[fate], "reason": why}
        inputs.append({"id": file["id"], "name": file["name"], **told})
    for output in job.outputs:
        output["parents"] = [ids[name] for name in output["parents"]]
    how = {"exit_code": None, "signal": -code} if code < 0 else {"exit_code": code, "signal": None}
    return {
        **{"version": 1, "number": job.number, "attempt": job.attempt},
        **{"started": job.started, "ended": now(), "host": os.uname().nodename},
        **{"outcome": "failed" if reason else "succeeded", "reason": reason, **how},
        **{"wall_s": job.wall_s, "cpu_s": job.cpu_s, "memory_mb": job.memory_mb},
        **{"inputs": inputs, "outputs": job.outputs, "log_tail": job.log.tail()},
    }


def readable(value: Any) -> Any:
    """The same with every text such that any JSON reader and Postgres take it."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {readable(name): readable(each) for name, each in value.items()}
    return [readable(each) for each in value] if isinstance(value, list) else value


def write_report(job: Job, told: dict[str, Any]) -> None:
    """Put the report where POMS looks for it, whole or not at all."""
    folder = os.path.join(job.directory, "reports")
    path = os.path.join(folder, f"{job.number}.{job.attempt}.json")
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(readable(told), file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".part", path)
    fd = os.open(folder, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def end(code: int) -> int:
    """End as the command ended: with its exit code, or by its signal."""
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def main(directory: str, number: str, attempt_: str, *how: str) -> int:
    """Make one attempt and report it; ends as the command ended."""
    signal.signal(signal.SIGTERM, _stop)
    command = list(how[1:]) if how[:1] == ("--",) else None
    job = Job(directory, int(number), int(attempt_), carried=how == ("carried",), command=command)
    reason, code = judged(job)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    write_report(job, report(job, reason, code))
    return end(code)
