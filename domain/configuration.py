"""Exactly what a submission runs with: made once at its launch, kept with it for ever."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from domain import parameters
from domain.job_types import Consumption, JobKind
from domain.jobs import Resources
from domain.launches import HostKind

PLAIN = re.compile(r"[A-Za-z0-9_.,:/=+@-]*")


@dataclass(frozen=True, slots=True)
class Login:
    """Where a launch script runs, and what is said to its shell first."""

    host: HostKind
    address: str
    account: str
    setup: Sequence[str]


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
    job_kind: JobKind
    consumption: Consumption
    login: Login
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
        "job_kind": of.job_kind,
        "consumption": of.consumption,
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
        **({"login": _login(of.login, keywords)} if of.job_kind is JobKind.SCRIPT else {}),
    }


def runs_script(configuration: Mapping[str, Any]) -> bool:
    """Whether a submission is launched by a program that submits by itself; those of old never were."""
    return configuration.get("job_kind") == JobKind.SCRIPT


def _login(of: Login, keywords: Mapping[str, str]) -> dict[str, Any]:
    """In what a shell reads a keyword stands for a plain word, or for nothing."""
    plain = {name: value for name, value in keywords.items() if PLAIN.fullmatch(value)}
    try:
        setup = [parameters.expand(line, plain) for line in of.setup]
    except parameters.UnknownKeyword as error:
        said = f"The login setup can't be expanded: {error} A shell reads it: only plain words can stand in it."
        raise parameters.UnknownKeyword(said) from error
    return {"host": of.host, "address": of.address, "account": of.account, "setup": setup}


def merged_resources(layers: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Resources of later layers over those of earlier ones and the defaults; other keys are left out."""
    default = Resources()
    names = [f.name for f in fields(Resources)]
    return {
        name: next((int(x[name]) for x in reversed(layers) if name in x), getattr(default, name))
        for name in names
    }
