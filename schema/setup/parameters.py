"""What several nouns have: parameters, resources, recoveries."""

from collections.abc import Mapping, Sequence
from typing import Any

import strawberry

from domain.findings import Finding as Found
from domain.setup.recovery_rules import read_recovery_rules
from door.describe import declare_input_type, declare_object_type


@declare_object_type
class Parameter:
    """A key and its value, written one after the other on the command line."""

    key: str
    """What stands before the value, for example `--events=`."""
    value: str
    """What stands after the key; `%(dataset)s` and other keywords are filled in at the launch."""


@declare_input_type
class ParameterInput:
    """A key and its value, written one after the other on the command line."""

    key: str
    """What stands before the value, for example `--events=`."""
    value: str
    """What stands after the key; `%(dataset)s` and other keywords are filled in at the launch."""


@declare_object_type
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


@declare_input_type
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


@declare_object_type
class ResourceFactors:
    """What resources are multiplied with; null leaves one as it is."""

    cpus: float | None
    """Cores."""
    memory_mb: float | None
    """Memory."""
    disk_mb: float | None
    """Disk."""
    walltime_s: float | None
    """Wall time."""

    @classmethod
    def of(cls, found: Mapping[str, float]) -> "ResourceFactors":
        """Show what is stored."""
        return cls(**{name: found.get(name) for name in cls.__annotations__})


@declare_input_type
class ResourceFactorsInput:
    """What resources are multiplied with, 0.1 to 10; over all rounds at most 16."""

    cpus: float | None = None
    """Cores."""
    memory_mb: float | None = None
    """Memory."""
    disk_mb: float | None = None
    """Disk."""
    walltime_s: float | None = None
    """Wall time."""

    @property
    def plain(self) -> dict[str, float]:
        """What is said of them."""
        given = {name: getattr(self, name) for name in ResourceFactors.__annotations__}
        return {name: factor for name, factor in given.items() if factor is not None}


@declare_object_type
class Recovery:
    """One way of doing again what a submission left undone."""

    type: str
    """Which files it takes: consumed_status, process_status, added_files, delivered_not_consumed, pending_files,
    failed, orphans or all."""
    overrides: list[Parameter]
    """Parameters that win over all others, for example more memory."""
    rounds: int
    """How often it is tried."""
    factors: "ResourceFactors"
    """What the stage's resources are multiplied with, once more in each round."""
    least_share: int
    """In percent of the submission's files: fewer are not worth it."""
    most_share: int
    """In percent of the submission's files: of more a person is asked."""
    patterns: list[str]
    """Of `pending_files`: the globs for which each file should have a descendant; none: the job type's."""
    depth: int
    """Of `pending_files`: how many steps down these descendants are."""


@declare_input_type
class RecoveryInput:
    """One way of doing again what a submission left undone."""

    type: str
    """Which files it takes: consumed_status, process_status, added_files, delivered_not_consumed, pending_files,
    failed, orphans or all."""
    overrides: list[ParameterInput] = strawberry.field(default_factory=list)
    """Parameters that win over all others, for example more memory."""
    rounds: int = 1
    """How often it is tried: 1 to 10."""
    factors: "ResourceFactorsInput | None" = None
    """What the stage's resources are multiplied with, once more in each round."""
    least_share: int = 0
    """In percent of the submission's files: fewer are not worth it."""
    most_share: int = 100
    """In percent of the submission's files: of more a person is asked."""
    patterns: list[str] = strawberry.field(default_factory=list)
    """Of `pending_files`: the globs for which each file should have a descendant; none: the job type's."""
    depth: int = 1
    """Of `pending_files`: how many steps down these descendants are, 1 to 10."""

    @property
    def plain(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "type": self.type,
            "overrides": store_pairs(self.overrides),
            "rounds": self.rounds,
            "factors": self.factors.plain if self.factors else {},
            "least_share": self.least_share,
            "most_share": self.most_share,
            "patterns": self.patterns,
            "depth": self.depth,
        }


@declare_object_type
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


def show_pairs(pairs: Sequence[Sequence[str]]) -> list[Parameter]:
    """Stored pairs, as a client sees them."""
    return [Parameter(key=pair[0], value=pair[1]) for pair in pairs]


def store_pairs(given: Sequence[ParameterInput]) -> list[list[str]]:
    """Pairs, as they are stored."""
    return [[pair.key, pair.value] for pair in given]


def show_recoveries(found: Sequence[Mapping[str, Any]]) -> list[Recovery]:
    """Stored recoveries, as a client sees them."""
    return [
        Recovery(
            type=entry.kind,
            overrides=show_pairs(entry.overrides),
            rounds=entry.rounds,
            factors=ResourceFactors.of(entry.factors),
            least_share=entry.least_share,
            most_share=entry.most_share,
            patterns=list(entry.patterns),
            depth=entry.depth,
        )
        for entry in read_recovery_rules(found)
    ]


def store_recoveries(given: Sequence[RecoveryInput]) -> list[dict[str, Any]]:
    """Recoveries, as they are stored."""
    return [entry.plain for entry in given]
