"""A launch as it was shown before anything happened, so that exactly it is launched, or nothing.

Of launches and of recoveries alike: both are named by one hash over everything that decides what runs.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

import orjson

KEPT_S = 3600.0
"""How long a plan can be launched after it was shown."""


class PlanPart(StrEnum):
    """What a plan consists of."""

    SUBJECT = "subject"
    """Of what it is a plan: of another one, it is no plan at all."""
    REVISION = "revision"
    """The campaign's revision."""
    CURSOR = "cursor"
    """How far the stage's work was cut: epoch and cursor."""
    FILES = "files"
    """What it works on, and how that is divided among jobs."""
    COMMAND = "command"
    """What runs: the expanded command with its environment, resources and the rest of its configuration."""
    LIMITS = "limits"
    """What bounds launches of the stage, the campaign and the experiment: of each, how many submissions and jobs."""


Parts = Mapping[PlanPart, Mapping[str, Any]]
"""Of each part what can be written as JSON."""


@dataclass(frozen=True, slots=True)
class PlanDifference:
    """What of one part is not as it was shown: only what differs, by name."""

    part: PlanPart
    then: Mapping[str, Any]
    now: Mapping[str, Any]


def compute_digest(value: object) -> str:
    """A short name of anything that can be written as JSON: equal for equals, whatever the order of keys."""
    return sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def render_plan(parts: Parts) -> dict[str, Any]:
    """A plan as it is stored."""
    return {part.value: found for part, found in parts.items()}


def compute_plan_hash(parts: Parts) -> str:
    """The one name of a plan."""
    return compute_digest(render_plan(parts))


def list_differences(then: Parts, now: Parts) -> list[PlanDifference]:
    """What has changed since a plan was shown; nothing, where the hashes are equal."""
    return [
        PlanDifference(part, *both)
        for part in PlanPart
        if any(both := _select_unequal(then.get(part, {}), now.get(part, {})))
    ]


def _select_unequal(
    then: Mapping[str, Any], now: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The entries of both that are not the same in the other one."""
    same = {
        n for n in then.keys() & now.keys() if compute_digest(then[n]) == compute_digest(now[n])
    }
    return _drop_names(then, same), _drop_names(now, same)


def _drop_names(found: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name not in names}
