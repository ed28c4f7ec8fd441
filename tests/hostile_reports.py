"""Reports as a hostile job writes them: what they say is odd, too much, or of what isn't theirs. One job for each.

`tests/domain/test_reports.py` tries each field alone, without jobs.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hostile_files import HOSTILE, make_hard_link

Report = dict[str, Any]


@dataclass(frozen=True)
class Prey:
    """A located file of another experiment."""

    id: int
    name: str
    path: Path
    size: int
    checksum: str

    @property
    def as_report(self) -> Report:
        """It as if a job had made it."""
        return {"name": self.name, "size": self.size, "checksum": self.checksum}


Forge = Callable[[Report, Path, Prey], Any]
"""What the report of a job becomes; the folder is its experiment's own, which its jobs can write to."""

REFUSED = "ALTER TABLE output_file ADD CONSTRAINT refused CHECK (checksum <> 'refused')"
"""What only the database refuses, of all that a report may say."""
GOOD, BAD = ("succeeded", None), ("failed", "bad_report")


@dataclass(frozen=True)
class HostileReport:
    """What a job writes, and what comes of it: how the job ends, and whether what it made is located."""

    what: str
    forge: Forge
    end: tuple[str, str | None] = BAD
    is_located: bool = False
    notes: Sequence[str] = ()
    """What its log says of it, among other things."""


def change_report(**change: Any) -> Forge:
    return lambda report, _, __: {**report, **change}


def change_output(**change: Any) -> Forge:
    return lambda report, _, __: {**report, "outputs": [report["outputs"][0] | change]}


def change_fate(**change: Any) -> Forge:
    whole = {"id": 1, "name": "x", "delivery": "consumed", "outcome": "done", "reason": None}
    return change_report(inputs=[whole | change])


def claim_all(report: Report, own: Path, prey: Prey) -> Report:
    """As outputs of this job the other's file, by every path that could lead to it, and all that is no plain file."""
    mine = own / "mine"
    mine.mkdir()
    paths = [
        prey.path,
        own / ".." / prey.path.relative_to(own.parent),
        make_hard_link(mine, prey.path),
    ]
    for place, lay in enumerate(HOSTILE.values()):
        (mine / str(place)).mkdir()
        paths.append(lay(mine / str(place), prey.path))
    (output,) = report["outputs"]
    claims = [
        output | prey.as_report | {"name": f"claim{n}", "path": str(p)} for n, p in enumerate(paths)
    ]
    return {**report, "outputs": claims}


CLAIMS = 3 + len(HOSTILE)


def claim_parent(report: Report, _: Path, prey: Prey) -> Report:
    """The other's file as an input of this job, and as what its output was made from."""
    fate = {"id": prey.id, "name": prey.name, "delivery": "consumed", "outcome": "done"}
    (output,) = report["outputs"]
    return {**report, "inputs": [fate], "outputs": [output | {"parents": [prey.id]}]}


ODD_FIELDS = {
    "exit_code": 1 << 40, "signal": -(1 << 70), "wall_s": math.nan, "cpu_s": 1e308, "memory_mb": math.inf,
    "log_tail": "\0" * 200_000, "host": "\ud800",
}  # fmt: skip
ODD_METADATA = {
    "large": 1 << 70, "nan": math.nan, "text": "\0", "deep": json.loads("[" * 200 + "]" * 200),
}  # fmt: skip

REPORTS: Sequence[HostileReport] = (
    HostileReport("every field beyond its bounds", change_report(**ODD_FIELDS), GOOD, True, [*ODD_FIELDS]),
    HostileReport("metadata that nobody can keep", change_output(metadata=ODD_METADATA), GOOD, True, ["metadata of"]),
    HostileReport("more events than there are", change_output(events=(1 << 62) - 1), GOOD, True, ["events is"]),
    HostileReport("the fate of no file", change_fate(id=1 << 62, reason="x\0" * 9_999), GOOD, True, ["reason is"]),
    HostileReport("the other's file for its own", claim_all, GOOD),
    HostileReport("the other's file for its input", claim_parent, GOOD),
    HostileReport("a name that no file can have", change_output(name="x" * 10_000)),
    HostileReport("a name with NUL", change_output(name="a\0b")),
    HostileReport("a size beyond all", change_output(size=1 << 63)),
    HostileReport("too many outputs", change_report(outputs=[{}] * 100_000)),
    HostileReport("no object", lambda report, _, __: [report]),
    HostileReport("no JSON", lambda _, __, ___: "no JSON"),
    HostileReport("what only the database refuses", change_output(checksum="refused")),
    HostileReport("nothing that is odd", lambda report, _, __: report, GOOD, True),
)  # fmt: skip


def forge_report(path: Path, row: HostileReport, own: Path, prey: Prey) -> None:
    """Write what a job might have written instead of its report."""
    forged = row.forge(json.loads(path.read_text()), own, prey)
    path.write_text("{" if row.what == "no JSON" else json.dumps(forged))
