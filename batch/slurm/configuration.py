"""What a cluster's own configuration says, and which proof of absence it allows."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from batch.slurm.accounting import AccountingRecord
from batch.slurm.completions import CompletionFile
from batch.slurm.programs import SlurmPrograms
from batch.slurm.record import JobRecord, LaunchTraces, MarkRecord, NoRecord

_LINE = re.compile(r"^(\w+)\s*= (.*?)\s*$", re.MULTILINE)
_MARGIN_S = 10.0


@dataclass(frozen=True, slots=True)
class SlurmConfiguration:
    """The part of `scontrol show config` that decides something for us."""

    name: str
    version: str
    most_tasks: int
    """MaxArraySize: no task id reaches it."""
    remembers_s: float
    """MinJobAge: for how long the queue shows jobs that have ended."""
    record: JobRecord
    """What keeps them longer."""

    def proof(self) -> str:
        """How it can be told that a launch left nothing in this cluster."""
        queue = f"the queue shows jobs for {self.remembers_s:.0f} s after their end (MinJobAge)"
        return queue + self.record.proof

    def read_mark(self, mark: str, traces: LaunchTraces) -> MarkRecord:
        """What the record has of a mark, and why what the queue doesn't have, either, was never there."""
        kept, age = self.record.read_mark(mark, traces), traces.age_s
        if kept.proof is None and age is not None and age < self.remembers_s - _MARGIN_S:
            proof = f"the queue does not have it, and would still show it: begun {age:.0f} s ago"
            return kept._replace(proof=proof)
        return kept._replace(doubt=kept.doubt or self.proof())


def fetch_configuration(programs: SlurmPrograms) -> SlurmConfiguration:
    """Ask the controller."""
    return parse_configuration(
        programs.run("scontrol", "show", "config", SLURM_TIME_FORMAT="%s"), programs
    )


def parse_configuration(text: str, programs: SlurmPrograms) -> SlurmConfiguration:
    """Read what scontrol says."""
    told: Mapping[str, str] = dict(_LINE.findall(text))
    return SlurmConfiguration(
        name=told.get("ClusterName", ""),
        version=told.get("SLURM_VERSION", ""),
        most_tasks=_parse_first_number(told.get("MaxArraySize", "1001")),
        remembers_s=_parse_first_number(told.get("MinJobAge", "300 sec")),
        record=_choose_record(told, programs),
    )


def _choose_record(told: Mapping[str, str], programs: SlurmPrograms) -> JobRecord:
    completions = Path(told.get("JobCompLoc", ""))
    if told.get("JobCompType") == "jobcomp/filetxt" and os.access(completions, os.R_OK):
        return CompletionFile(completions)
    if told.get("AccountingStorageType") == "accounting_storage/slurmdbd":
        booted = told.get("BOOT_TIME", "")
        return AccountingRecord(programs, float(booted) if booted.isdecimal() else None)
    return NoRecord()


def _parse_first_number(text: str) -> int:
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0
