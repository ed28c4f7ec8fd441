"""What several nouns have: parameters, resources, recoveries."""

from collections.abc import Mapping, Sequence
from typing import Any

import strawberry

from domain.findings import Finding as Found
from door.describe import asked, thing


@thing
class Parameter:
    """A key and its value, written one after the other on the command line."""

    key: str
    """What stands before the value, for example `--events=`."""
    value: str
    """What stands after the key; `%(dataset)s` and other keywords are filled in at the launch."""


@asked
class ParameterInput:
    """A key and its value, written one after the other on the command line."""

    key: str
    """What stands before the value, for example `--events=`."""
    value: str
    """What stands after the key; `%(dataset)s` and other keywords are filled in at the launch."""


@thing
class Resources:
    """What one job may use; what isn't said comes from the job type, then from the service."""

    cpus: int | None
    """Cores."""
    memory_mb: int | None
    """Memory in MB."""
    disk_mb: int | None
    """Disk in MB."""
    walltime_s: int | None
    """Seconds of wall time."""

    @classmethod
    def of(cls, found: Mapping[str, int]) -> "Resources":
        """Show what is stored."""
        return cls(
            cpus=found.get("cpus"),
            memory_mb=found.get("memory_mb"),
            disk_mb=found.get("disk_mb"),
            walltime_s=found.get("walltime_s"),
        )


@asked
class ResourcesInput:
    """What one job may use."""

    cpus: int | None = None
    """Cores, from 1."""
    memory_mb: int | None = None
    """Memory in MB, from 1."""
    disk_mb: int | None = None
    """Disk in MB, from 1."""
    walltime_s: int | None = None
    """Seconds of wall time, from 1."""

    @property
    def plain(self) -> dict[str, int]:
        """What is said of them."""
        given = {
            "cpus": self.cpus,
            "memory_mb": self.memory_mb,
            "disk_mb": self.disk_mb,
            "walltime_s": self.walltime_s,
        }
        return {name: value for name, value in given.items() if value is not None}


@thing
class Recovery:
    """One way of doing again what a submission left undone."""

    type: str
    """Which inputs it takes, for example `consumed_status`."""
    overrides: list[Parameter]
    """Parameters that win over all others, for example more memory."""
    rounds: int
    """How often it is tried."""


@asked
class RecoveryInput:
    """One way of doing again what a submission left undone."""

    type: str
    """Which inputs it takes, for example `consumed_status`."""
    overrides: list[ParameterInput] = strawberry.field(default_factory=list)
    """Parameters that win over all others, for example more memory."""
    rounds: int = 1
    """How often it is tried: 1 to 10."""


@thing
class Finding:
    """One thing that is wrong with an input."""

    path: str
    """Where in the input, for example `stages[2].split`."""
    message: str
    """What is wrong, and what may stand there."""

    @classmethod
    def of(cls, found: Found) -> "Finding":
        """Show a finding."""
        return cls(path=found.path, message=found.message)


def shown(pairs: Sequence[Sequence[str]]) -> list[Parameter]:
    """Stored pairs, as a client sees them."""
    return [Parameter(key=pair[0], value=pair[1]) for pair in pairs]


def plain(given: Sequence[ParameterInput]) -> list[list[str]]:
    """Pairs, as they are stored."""
    return [[pair.key, pair.value] for pair in given]


def recoveries_shown(found: Sequence[Mapping[str, Any]]) -> list[Recovery]:
    """Stored recoveries, as a client sees them."""
    return [
        Recovery(
            type=entry["type"],
            overrides=shown(entry.get("overrides", [])),
            rounds=entry.get("rounds", 1),
        )
        for entry in found
    ]


def recoveries_plain(given: Sequence[RecoveryInput]) -> list[dict[str, Any]]:
    """Recoveries, as they are stored."""
    return [
        {"type": entry.type, "overrides": plain(entry.overrides), "rounds": entry.rounds}
        for entry in given
    ]
