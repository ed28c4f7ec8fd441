"""Exactly what a submission runs with: made once at its launch, kept with it for ever."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from domain import parameters
from domain.jobs import Resources


@dataclass(frozen=True, slots=True)
class Ingredients:
    """Where a configuration comes from: the stage, and what it refers to, as they are at the launch."""

    experiment: str
    campaign: str
    stage: str
    kind: str
    version: str
    dataset: str
    command: Sequence[str]
    output_check: Sequence[str]
    patterns: Sequence[str]
    environment: Mapping[str, str]
    layers: Sequence[parameters.Layer]
    """In their order."""
    keywords: Mapping[str, str]
    resources: Sequence[Mapping[str, Any]]
    batch_options: Mapping[str, Any]
    files_per_job: int
    completion: str
    completion_pct: int
    output_ancestor_depth: int
    recoveries: Sequence[Any]


def keywords_of(of: Ingredients, *, parameter: str | None, person: str) -> dict[str, str]:
    """What `%(name)s` stands for; a campaign's own keywords don't change what POMS says of the launch."""
    return {
        "stage": of.stage,
        "campaign": of.campaign,
        **of.keywords,
        "dataset": of.dataset,
        "parameter": parameter or of.dataset,
        "version": of.version,
        "group": of.experiment,
        "experiment": of.experiment,
        "experimenter": person,
    }


def configuration(
    of: Ingredients, *, parameter: str | None, person: str, is_test: bool
) -> dict[str, Any]:
    """The whole configuration; raises UnknownKeyword for a `%(name)s` that has no value."""
    keywords = keywords_of(of, parameter=parameter, person=person)
    found = parameters.effective(of.layers)
    return {
        "experiment": of.experiment,
        "campaign": of.campaign,
        "stage": of.stage,
        "kind": of.kind,
        "version": of.version,
        "dataset": of.dataset,
        "parameter": parameter,
        "is_test": is_test,
        "command": parameters.command(of.command, found, keywords),
        "output_check": list(of.output_check),
        "patterns": list(of.patterns),
        "environment": {
            key: parameters.expand(value, keywords) for key, value in of.environment.items()
        },
        "resources": merged_resources(of.resources),
        "batch_options": dict(of.batch_options),
        "files_per_job": of.files_per_job,
        "completion": of.completion,
        "completion_pct": of.completion_pct,
        "output_ancestor_depth": of.output_ancestor_depth,
        "recoveries": list(of.recoveries),
    }


def merged_resources(layers: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Resources of later layers over those of earlier ones and the defaults; other keys are left out."""
    default = Resources()
    names = [f.name for f in fields(Resources)]
    return {
        name: next((int(x[name]) for x in reversed(layers) if name in x), getattr(default, name))
        for name in names
    }
