"""What a cluster's own configuration says, and which proof of absence it allows."""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(r"^(\w+)\s*= (.*?)\s*$", re.MULTILINE)
COMMAND = ("scontrol", "show", "config")
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
    completions: Path | None
    """The file that jobcomp/filetxt writes, where we can read it."""

    def proof(self) -> str:
        """How it can be told that a launch left nothing in this cluster."""
        queue = f"the queue shows jobs for {self.remembers_s:.0f} s after their end (MinJobAge)"
        if self.completions:
            return f"{queue}, and {self.completions} (jobcomp/filetxt) has those that are gone"
        return (
            f"{queue}; nothing that we can read keeps them longer: absence is proven only while a launch is"
            " younger than that, and jobs that went unseen are judged by their payload's report"
        )

    def is_absent(self, attempt_began: float | None) -> str | None:
        """Why what the queue doesn't have was never there; None: that can't be told any more."""
        if self.completions:
            return f"neither the queue nor {self.completions} has it"
        age = None if attempt_began is None else time.time() - attempt_began
        if age is not None and age < self.remembers_s - _MARGIN_S:
            return f"the queue does not have it, and would still show it: begun {age:.0f} s ago"
        return None


def configuration(text: str) -> Configuration:
    """Read what scontrol says."""
    told: Mapping[str, str] = dict(_LINE.findall(text))
    completions = Path(told.get("JobCompLoc", ""))
    is_there = told.get("JobCompType") == "jobcomp/filetxt" and os.access(completions, os.R_OK)
    return Configuration(
        name=told.get("ClusterName", ""),
        version=told.get("SLURM_VERSION", ""),
        most_tasks=_number(told.get("MaxArraySize", "1001")),
        remembers_s=_number(told.get("MinJobAge", "300 sec")),
        completions=completions if is_there else None,
    )


def _number(text: str) -> int:
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0
