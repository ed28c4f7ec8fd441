"""What a cluster's own configuration says, and which proof of absence it allows."""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from batch.slurm.accounting import Accounting
from batch.slurm.completions import Completions
from batch.slurm.programs import Programs
from batch.slurm.record import Kept, NoRecord, Record

_LINE = re.compile(r"^(\w+)\s*= (.*?)\s*$", re.MULTILINE)
_MARGIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Configuration:
    """The part of `scontrol show config` that decides something for us."""

    name: str
    version: str
    most_tasks: int
    """MaxArraySize: no task id reaches it."""
    remembers_s: float
    """MinJobAge: for how long the queue shows jobs that have ended."""
    record: Record
    """What keeps them longer."""

    def proof(self) -> str:
        """How it can be told that a launch left nothing in this cluster."""
        queue = f"the queue shows jobs for {self.remembers_s:.0f} s after their end (MinJobAge)"
        return queue + self.record.proof

    def kept(self, mark: str, began: float | None) -> Kept:
        """What the record has of a mark, and why what the queue doesn't have, either, was never there."""
        kept = self.record.kept(mark, began)
        age = None if began is None else time.time() - began
        if kept.proof is None and age is not None and age < self.remembers_s - _MARGIN_S:
            proof = f"the queue does not have it, and would still show it: begun {age:.0f} s ago"
            return kept._replace(proof=proof)
        return kept._replace(doubt=kept.doubt or self.proof())


def configuration(programs: Programs) -> Configuration:
    """Ask the controller."""
    return configured(programs.run("scontrol", "show", "config", SLURM_TIME_FORMAT="%s"), programs)


def configured(text: str, programs: Programs) -> Configuration:
    """Read what scontrol says."""
    told: Mapping[str, str] = dict(_LINE.findall(text))
    return Configuration(
        name=told.get("ClusterName", ""),
        version=told.get("SLURM_VERSION", ""),
        most_tasks=_number(told.get("MaxArraySize", "1001")),
        remembers_s=_number(told.get("MinJobAge", "300 sec")),
        record=_record(told, programs),
    )


def _record(told: Mapping[str, str], programs: Programs) -> Record:
    completions = Path(told.get("JobCompLoc", ""))
    if told.get("JobCompType") == "jobcomp/filetxt" and os.access(completions, os.R_OK):
        return Completions(completions)
    if told.get("AccountingStorageType") == "accounting_storage/slurmdbd":
        booted = told.get("BOOT_TIME", "")
        return Accounting(programs, float(booted) if booted.isdecimal() else None)
    return NoRecord()


def _number(text: str) -> int:
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0
