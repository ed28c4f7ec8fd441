"""What failed jobs have in common: the end of their logs, without what differs from job to job."""

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

LINES = 3
LONGEST = 300

PLACEHOLDERS: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"\x1b\[[0-9;]*[A-Za-z]"), ""),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "<uuid>"),
    (
        re.compile(
            r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
        ),
        "<time>",
    ),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b"), "<time>"),
    (re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>]+", re.IGNORECASE), "<url>"),
    (re.compile(r"(?<![\w.<])(?:\.{0,2}/)[^\s'\":;,()<>]+"), "<path>"),
    (re.compile(r"\b0[xX][0-9a-fA-F]+\b"), "<hex>"),
    (re.compile(r"\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,}\b"), "<hex>"),
    (re.compile(r"\d+(?:\.\d+)?"), "<n>"),
    (re.compile(r"\s+"), " "),
)
"""In this order: what looks like a larger thing is replaced before its parts are."""


def normalise_line(line: str) -> str:
    """One line without times, paths, ids and numbers."""
    for pattern, placeholder in PLACEHOLDERS:
        line = pattern.sub(placeholder, line[:LONGEST])
    return line.strip()


def compute_signature(log: str | None) -> str:
    """The last lines of a log as other jobs that failed alike would have them."""
    lines = [line for line in (log or "")[-20_000:].splitlines() if line.strip()]
    return "\n".join(normalise_line(line) for line in lines[-LINES:])


@dataclass(frozen=True, slots=True)
class FailedJob:
    """What is known of one failed job."""

    submission_id: int
    number: int
    reason: str | None
    exit_code: int | None
    signal: int | None
    site: str | None
    text: str | None
    log_tail: str | None
    files: int
    """Inputs that were not done for it."""

    @property
    def key(self) -> tuple[Hashable, ...]:
        """Equal for jobs that failed alike."""
        said = normalise_line(self.text or "")
        return (
            self.reason,
            self.exit_code,
            self.signal,
            self.site,
            said,
            compute_signature(self.log_tail),
        )


@dataclass(slots=True)
class FailedJobGroup:
    """Jobs that failed alike, with the first of them as the sample."""

    sample: FailedJob
    message: str
    signature: str
    jobs: int = 0
    files: int = 0
    numbers: list[tuple[int, int]] = field(default_factory=list)


def group_failures(failed: Iterable[FailedJob], samples: int = 10) -> list[FailedJobGroup]:
    """Failed jobs by what they have in common, largest group first."""
    found: dict[tuple[Hashable, ...], FailedJobGroup] = {}
    for job in failed:
        key = job.key
        group = found.get(key)
        if group is None:
            group = found[key] = FailedJobGroup(job, str(key[4]), str(key[5]))
        group.jobs += 1
        group.files += job.files
        if len(group.numbers) < samples:
            group.numbers.append((job.submission_id, job.number))
    return sorted(found.values(), key=lambda group: (-group.jobs, group.signature))
