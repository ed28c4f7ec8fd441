"""What a job type and a login setup may be: the command, and where it is launched from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from domain import findings
from domain.findings import Finding, finding
from domain.names import ACCOUNT, VARIABLE, wrong_form, wrong_name, wrong_words


class JobKind(StrEnum):
    """What the command of a job type is."""

    PAYLOAD = "payload"
    """What each job runs: POMS submits the jobs."""
    SCRIPT = "script"
    """A launch script: it runs once for each launch, on the launch host, and submits jobs by itself."""


class Consumption(StrEnum):
    """Who says what became of a job's files."""

    PAYLOAD = "payload"
    """POMS's payload, in which the job's program runs: it reports fates and outputs."""
    EXIT_CODE = "exit_code"
    """Nobody but the job's exit code: its files are done when that is 0. For jobs that know nothing of POMS."""


NOT_FOLLOWED = frozenset({"local", "slurm"})
"""Batch systems that can't follow what they were not given by POMS; all others are schedds of HTCondor."""


def wrong_for_scripts(batch_system: str) -> str | None:
    """Why launch scripts can't submit to a batch system, or nothing."""
    if batch_system not in NOT_FOLLOWED:
        return None
    return f"A launch script submits to a schedd of HTCondor, whose jobs can be followed: {batch_system} can't be."


@dataclass(frozen=True, slots=True, kw_only=True)
class JobType:
    """A command and how its jobs are dealt with, as somebody wants it saved."""

    name: str
    command: Sequence[str]
    kind: JobKind = JobKind.PAYLOAD
    consumption: Consumption = Consumption.PAYLOAD
    parameters: Sequence[Sequence[str]] = ()
    output_check: Sequence[str] = ()
    patterns: Sequence[str] = ()
    recoveries: Sequence[Mapping[str, Any]] = ()
    resources: Mapping[str, int] = field(default_factory=dict)

    def findings(self) -> Iterator[Finding]:
        """All that is wrong with it."""
        yield from finding("name", wrong_name(self.name))
        empty = not self.command or not self.command[0].strip()
        yield from finding("command", "A command begins with a program." if empty else None)
        yield from finding("command", wrong_words(self.command))
        if self.kind is JobKind.PAYLOAD and self.consumption is not Consumption.PAYLOAD:
            said = (
                "Jobs that POMS submits run its payload, which reports: PAYLOAD is all it can be."
            )
            yield Finding("consumption", said)
        yield from findings.pairs("parameters", self.parameters)
        yield from finding("outputCheck", wrong_words(self.output_check))
        yield from findings.patterns("patterns", self.patterns)
        yield from findings.recoveries("recoveries", self.recoveries)
        yield from findings.resources("resources", self.resources)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSetup:
    """Where launches are made from and what is set up first, as somebody wants it saved."""

    name: str
    account: str = ""
    setup: Sequence[str] = ()
    environment: Sequence[Sequence[str]] = ()

    def findings(self) -> Iterator[Finding]:
        """All that is wrong with it."""
        yield from finding("name", wrong_name(self.name))
        # An account that begins with a dash would be an option to ssh.
        if self.account:
            yield from finding("account", wrong_form(self.account, ACCOUNT, "a user name, prod01"))
        yield from finding("setup", wrong_words(self.setup))
        yield from findings.pairs("environment", self.environment)
        yield from findings.doubled("environment[{}].key", (key for key, _ in self.environment))
        for n, (key, _) in enumerate(self.environment[: findings.MOST_PAIRS]):
            yield from finding(f"environment[{n}].key", wrong_form(key, VARIABLE, "X509_PROXY"))
