"""The command `poms` as a person runs it, and a campaign file for it to upload."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.application_server import make_token

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class CommandEnd:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Poms = Callable[..., Awaitable[CommandEnd]]


def make_poms_of_anna(url: str, home: Path) -> Poms:
    """Runs the command as anna."""

    async def run(*words: str, stdin: str = "", **env: str) -> CommandEnd:
        kept = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT)}
        given = {"POMS_URL": url, "POMS_TOKEN": make_token("anna"), **env}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "poms", *words,
            env=kept | {name: value for name, value in given.items() if value},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate(stdin.encode())
        return CommandEnd(process.returncode or 0, out.decode(), err.decode())

    return run


INI = """
[campaign]
name = uploaded
state = Active
[campaign_defaults]
vo_role = Production
software_version = v1
dataset_or_split_data = None
completion_type = located
completion_pct = 100
login_setup = here
job_type = gen
[campaign_stage gen]
stage_type = generator
[campaign_stage proc]
job_type = proc
dataset_or_split_data = from_parent
[dependencies proc]
campaign_stage_1 = gen
file_pattern_1 = gen_%.txt
[job_type gen]
launch_script = {gen}
output_file_patterns = gen_%.txt
recoveries = [["consumed_status", []]]
[job_type proc]
launch_script = {proc}
output_file_patterns = proc_%.txt
recoveries = [["consumed_status", []]]
[login_setup here]
host = here
account = nobody
setup =
[poms_job_type gen]
kind = "payload"
[poms_job_type proc]
kind = "payload"
[poms_stage gen]
jobs_per_slice = 3
"""
