"""What a job type and a login setup may be: the command, and where it is launched from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from domain import findings
from domain.findings import Finding, make_finding
from domain.names import (
    ACCOUNT,
    MOST_WORD,
    VARIABLE,
    check_form,
    check_name,
    check_text,
    check_words,
)
from domain.permissions import Role
from domain.setup import parameters
from domain.setup.recovery_rules import check_recovery_rules
from domain.setup.resources import check_resources


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
    PROJECT = "project"
    """The project of the launch, in the catalog that has its files: jobs take them from there, and tell it what became
    of them. What they made is what the catalog knows to be made from them."""


NOT_FOLLOWED = frozenset({"local", "slurm"})
"""Batch systems that can't follow what they were not given by POMS; all others are schedds of HTCondor."""


def check_script_support(batch_system: str) -> str | None:
    """Why launch scripts can't submit to a batch system, or nothing."""
    if batch_system not in NOT_FOLLOWED:
        return None
    return f"A launch script submits to a schedd of HTCondor, whose jobs can be followed: {batch_system} can't be."


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTypeDefinition:
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
        yield from make_finding("name", check_name(self.name))
        empty = not self.command or not self.command[0].strip()
        yield from make_finding("command", "A command begins with a program." if empty else None)
        yield from make_finding("command", check_words(self.command))
        if self.kind is JobKind.PAYLOAD and self.consumption is not Consumption.PAYLOAD:
            said = (
                "Jobs that POMS submits run its payload, which reports: PAYLOAD is all it can be."
            )
            yield Finding("consumption", said)
        yield from findings.check_pairs("parameters", self.parameters)
        yield from make_finding("outputCheck", check_words(self.output_check))
        yield from findings.check_patterns("patterns", self.patterns)
        yield from check_recovery_rules("recoveries", self.recoveries)
        yield from check_resources("resources", self.resources)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSetupDefinition:
    """Where launches are made from and what is set up first, as somebody wants it saved."""

    name: str
    account: str = ""
    setup: Sequence[str] = ()
    environment: Sequence[Sequence[str]] = ()
    secrets: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    """Variables that are never shown; None keeps the value that is there."""
    shared_with: Sequence[Role] = ()
    """Whose campaigns may use it, besides those of the owning role."""

    def findings(self) -> Iterator[Finding]:
        """All that is wrong with it."""
        yield from make_finding("name", check_name(self.name))
        # An account that begins with a dash would be an option to ssh.
        if self.account:
            account = parameters.KEYWORD.sub(
                lambda found: "e" if found["name"] else found[0], self.account
            )
            example = "a user name, prod01 or %(experiment)spro"
            yield from make_finding("account", check_form(account, ACCOUNT, example))
        yield from make_finding("setup", check_words(self.setup))
        yield from findings.check_pairs("environment", self.environment)
        yield from findings.check_duplicates(
            "environment[{}].key", (key for key, _ in self.environment)
        )
        for n, (key, _) in enumerate(self.environment[: findings.MOST_PAIRS]):
            yield from make_finding(
                f"environment[{n}].key", check_form(key, VARIABLE, "X509_PROXY")
            )
        yield from self._secrets()
        yield from findings.check_duplicates("sharedWith[{}]", self.shared_with)

    def _secrets(self) -> Iterator[Finding]:
        yield from findings.check_length("environment", [*self.secrets], findings.MOST_PAIRS)
        plain = {key for key, _ in self.environment}
        for name, value in self.secrets.items():
            at = f"environment[{name[:100]}]"
            yield from make_finding(at, check_form(name, VARIABLE, "X509_PROXY"))
            yield from make_finding(at, "It is there twice." if name in plain else None)
            yield from make_finding(at, check_text(value or "", MOST_WORD))
            yield from make_finding(at, "A secret is not empty." if value == "" else None)
