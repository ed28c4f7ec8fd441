"""What one job may use, and the bounds of what a stage may ask for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from domain.findings import Finding, make_camel_case

MOST_RESOURCE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Resources:
    """What one job may use: cores, MB of memory and disk, seconds of wall time."""

    cpus: int = 1
    memory_mb: int = 2000
    disk_mb: int = 2000
    walltime_s: int = 28_800


RESOURCES = tuple(f.name for f in fields(Resources))


def check_resources(path: str, found: Mapping[str, Any]) -> Iterator[Finding]:
    """What a job may use: known names, whole numbers over 0."""
    for name, value in found.items():
        if name not in RESOURCES:
            yield Finding(
                f"{path}.{make_camel_case(name)}", f"A resource is one of {', '.join(RESOURCES)}."
            )
        elif type(value) is not int or not 1 <= value <= MOST_RESOURCE:
            yield Finding(
                f"{path}.{make_camel_case(name)}",
                f"This is a whole number from 1 to {MOST_RESOURCE}.",
            )
