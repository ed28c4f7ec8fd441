"""One attempt from its start to its report."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
import traceback
from typing import Any

from batch.payload.command import PayloadStopped, run_command
from batch.payload.job import CODES, AttemptRefused, PayloadJob, format_current_time
from batch.payload.outputs import collect_outputs, stage_outputs
from batch.payload.patience import retry_patiently
from batch.payload.plain_files import (
    UnsafeFileError,
    check_size,
    has_checksum,
    is_comparable,
    open_plain_file,
)

GENERATOR_NAMES = ("index", "seed", "run", "subrun", "first_event", "events")
DELIVERY = {"done": "consumed", "failed": "delivered", "skipped": "skipped", "missing": "waiting"}
OUTCOME = {"done": "done", "failed": "failed", "skipped": "none", "missing": "failed"}


def _raise_stopped(number: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise PayloadStopped(number)


def check_inputs(job: PayloadJob) -> None:
    """Refuse to run the command without all of its inputs, whole."""
    for file in job.inputs:
        if wrong := _check_input(job, file):
            job.fates[file["name"]] = ("missing", "missing_input")
            job.log.note(f"input {file['path']}: {wrong}")
    if job.fates:
        job.fates = {
            f["name"]: job.fates.get(f["name"], ("missing", "not_run")) for f in job.inputs
        }
        raise AttemptRefused("missing_input", "the command was not run")


def _check_input(job: PayloadJob, file: dict[str, Any]) -> str | None:
    """What is wrong with a file of the store; its checksum is compared by reading all of it, unless told not to.

    What lies elsewhere is the command's to fetch: it is not looked at.
    """
    if file.get("is_elsewhere"):
        return None
    path, size, checksum = file["path"], file.get("size"), file.get("checksum")
    try:
        with open_plain_file(path, os.path.dirname(path)) as fd:
            if size is not None:
                check_size(fd, size)
            if size is None or not is_comparable(checksum) or not job.launch.get("verify", True):
                return None
            good = has_checksum(fd, size, str(checksum))
            return None if good else f"It has not the checksum {checksum}."
    except UnsafeFileError as error:
        return str(error)
    except OSError as error:
        return f"{error.strerror}."


def build_environment(job: PayloadJob) -> dict[str, str]:
    """What the command finds in its environment; POMS*_ only from the launch and from here."""
    ours = ("POMS_", "POMS4_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    env.update(job.secrets)
    env.update(job.launch.get("environment") or {})
    os.makedirs(".poms", exist_ok=True)
    for name in ("inputs", "replicas", "fates", "outputs"):
        env["POMS_" + name.upper()] = os.path.abspath(f".poms/{name}")
    with open(".poms/inputs", "w", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(f"{each['path']}\n" for each in job.inputs)
    with open(".poms/replicas", "w", encoding="utf-8") as file:
        places = ([each["path"], *each.get("replicas", ())] for each in job.inputs)
        file.writelines(json.dumps(each) + "\n" for each in places)
    generator, parameter = job.unit.get("generator") or {}, job.unit.get("parameter")
    env.update({"POMS_" + n.upper(): str(generator[n]) for n in GENERATOR_NAMES if n in generator})
    env.update(POMS_PARAMETER="" if parameter is None else str(parameter))
    env.update(POMS_JOB=str(job.number), POMS_ATTEMPT=str(job.attempt))
    env.update(POMS_UNIQUE=f"{job.launch['mark']}.{job.number}.{job.attempt}")
    return env


def run_attempt(job: PayloadJob) -> int:
    """Do the work and put its outputs into the store; returns how the command ended."""
    job.journal_start()
    job.load()
    check_inputs(job)
    env, before, begin = build_environment(job), set(os.listdir(".")), time.monotonic()
    try:
        result = run_command(job.launch["command"], env, job.log)
    finally:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        job.wall_s, job.memory_mb = time.monotonic() - begin, used.ru_maxrss / 1024
        job.cpu_s = used.ru_utime + used.ru_stime
    outputs, check = collect_outputs(job, before, result), job.launch.get("check")
    for output in outputs if check else ():
        if run_command([*(check or ()), output["from"]], env, job.log):
            raise AttemptRefused("bad_output", f"the check refused {output['name']}")
    if outputs:
        stage_outputs(job, outputs)
    return result


def void_attempt(job: PayloadJob, reason: str) -> None:
    """Let nothing of the attempt count."""
    job.outputs = []
    job.fates = {file["name"]: ("failed", reason) for file in job.inputs}


def judge_attempt(job: PayloadJob) -> tuple[str | None, int]:
    """Make the attempt; why it failed, and how it ends (negative: by that signal). Never raises."""
    try:
        code = run_attempt(job)
        return "signal" if code < 0 else "exit" if code else None, code
    except PayloadStopped:
        void_attempt(job, "signal")
        return "signal", -signal.SIGTERM
    except AttemptRefused as refused:
        job.log.note(f"{refused.reason}: {refused}")
        if refused.reason != "missing_input":
            void_attempt(job, refused.reason)
        return refused.reason, CODES[refused.reason]
    except Exception:
        job.log.note(traceback.format_exc())
        void_attempt(job, "payload")
        return "payload", CODES["payload"]


def build_report(job: PayloadJob, reason: str | None, code: int) -> dict[str, Any]:
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
        **{"started": job.started, "ended": format_current_time(), "host": os.uname().nodename},
        **{"outcome": "failed" if reason else "succeeded", "reason": reason, **how},
        **{"wall_s": job.wall_s, "cpu_s": job.cpu_s, "memory_mb": job.memory_mb},
        **{
            "inputs": inputs,
            "outputs": job.outputs,
            "log_tail": job.log.tail(job.secrets.values()),
        },
    }


def make_readable(value: Any) -> Any:
    """The same with every text such that any JSON reader and Postgres take it."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {make_readable(name): make_readable(each) for name, each in value.items()}
    return [make_readable(each) for each in value] if isinstance(value, list) else value


def write_report(job: PayloadJob, told: dict[str, Any]) -> None:
    """Put the report where POMS looks for it, whole or not at all."""
    folder = os.path.join(job.directory, "reports")
    path = os.path.join(folder, f"{job.number}.{job.attempt}.json")
    # Of two starts of one attempt, by a batch system's mistake, each writes its own; one of them stays, whole.
    part = f"{path}.{os.uname().nodename}.{os.getpid()}.part"
    with open(part, "w", encoding="utf-8") as file:
        json.dump(make_readable(told), file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    fd = os.open(folder, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def end_process(code: int) -> int:
    """End as the command ended: with its exit code, or by its signal."""
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def main(directory: str, number: str, attempt_: str, *how: str) -> int:
    """Make one attempt and report it; ends as the command ended."""
    signal.signal(signal.SIGTERM, _raise_stopped)
    command = list(how[1:]) if how[:1] == ("--",) else None
    job = PayloadJob(
        directory, int(number), int(attempt_), carried=how == ("carried",), command=command
    )
    reason, code = judge_attempt(job)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    told = build_report(job, reason, code)
    retry_patiently(lambda: write_report(job, told))
    return end_process(code)
