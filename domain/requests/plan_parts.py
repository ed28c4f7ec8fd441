"""What of a request people agree to: its parts, each with a hash; a decision holds for exactly what was seen."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from domain.campaigns.plans import CampaignPlan, StagePlan
from domain.launching.launch_plans import compute_digest
from domain.requests.requests import Ask


class RequestPart(StrEnum):
    """A part of a request with its plan. A decision covers some of them, and holds until one of those changes."""

    CONTENT = "content"
    """What is wanted: the asks, with their software versions."""
    CONFIGURATION = "configuration"
    """What runs: the stages with their job types, login setups, parameters and dependencies."""
    SPLIT = "split"
    """On what it runs: datasets, splits, and how files are divided among jobs."""
    RECOVERY = "recovery"
    """What is tried again, and how often."""
    COST = "cost"
    """How much it takes, as a band: its last digit is nobody's decision."""
    OUTPUT = "output"
    """Which outputs are kept, for how long, where."""


PART_OF_STAGE: Mapping[str, RequestPart | None] = {
    "name": RequestPart.CONFIGURATION,
    "job_type": RequestPart.CONFIGURATION,
    "login_setup": RequestPart.CONFIGURATION,
    "kind": RequestPart.CONFIGURATION,
    "software_version": RequestPart.CONFIGURATION,
    "parameters": RequestPart.CONFIGURATION,
    "test_parameters": RequestPart.CONFIGURATION,
    "merge_overrides": RequestPart.CONFIGURATION,
    "resources": RequestPart.CONFIGURATION,
    "batch_system": RequestPart.CONFIGURATION,
    "batch_options": RequestPart.CONFIGURATION,
    "dataset": RequestPart.SPLIT,
    "parameter_lists": RequestPart.SPLIT,
    "split": RequestPart.SPLIT,
    "test_split": RequestPart.SPLIT,
    "files_per_job": RequestPart.SPLIT,
    "bytes_per_job": RequestPart.SPLIT,
    "jobs_per_slice": RequestPart.SPLIT,
    "events_per_job": RequestPart.SPLIT,
    "recoveries": RequestPart.RECOVERY,
    "completion": RequestPart.OUTPUT,
    "completion_pct": RequestPart.OUTPUT,
    "output_ancestor_depth": RequestPart.OUTPUT,
    # How fast it may go and when somebody is told is for those who run it.
    "deadline_s": None,
    "deadline_from": None,
    "most_unfinished": None,
    "most_jobs": None,
    "until_exhausted": None,
}
"""Which part each field of a stage is of; None: nobody has to agree to it."""

PART_OF_JOB_TYPE: Mapping[str, RequestPart] = {
    "name": RequestPart.CONFIGURATION,
    "command": RequestPart.CONFIGURATION,
    "kind": RequestPart.CONFIGURATION,
    "parameters": RequestPart.CONFIGURATION,
    "output_check": RequestPart.CONFIGURATION,
    "resources": RequestPart.CONFIGURATION,
    "consumption": RequestPart.OUTPUT,
    "patterns": RequestPart.OUTPUT,
    "recoveries": RequestPart.RECOVERY,
}
"""The same of the fields of a job type."""


@dataclass(frozen=True, slots=True)
class PlanCost:
    """What the plan is expected to take; None: there is nothing to tell it from."""

    cpu_hours: float | None = None
    storage_bytes: int | None = None

    @property
    def bands(self) -> dict[str, str]:
        """Both as bands."""
        return {"cpu_hours": find_band(self.cpu_hours), "storage": find_band(self.storage_bytes)}


UNKNOWN_COST = PlanCost()


def find_band(number: float | None) -> str:
    """Where a number is in the series 1, 2, 5, 10, 20, 50…: `200 to 500`."""
    if number is None:
        return "unknown"
    low, power = 0, 1
    while True:
        for high in (power, 2 * power, 5 * power):
            if number <= high:
                return f"{low} to {high}"
            low = high
        power *= 10


@dataclass(frozen=True, slots=True)
class PlanSources:
    """All that the parts of a request are computed from."""

    asks: Sequence[Ask] = ()
    campaign: CampaignPlan | None = None
    """How it is to run; None: nobody has planned that yet."""
    job_types: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The definitions of the job types that the campaign names."""
    login_setups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Those of its login setups."""
    cost: PlanCost = UNKNOWN_COST


PartHashes = Mapping[RequestPart, str]


def build_parts(sources: PlanSources) -> dict[RequestPart, dict[str, Any]]:
    """What each part consists of, as JSON."""
    parts: dict[RequestPart, dict[str, Any]] = {part: {} for part in RequestPart}
    parts[RequestPart.CONTENT]["asks"] = [_render_ask(ask) for ask in sources.asks]
    parts[RequestPart.OUTPUT]["keep"] = [
        [asdict(each) for each in ask.keep] for ask in sources.asks
    ]
    parts[RequestPart.COST] = dict(sources.cost.bands)
    if plan := sources.campaign:
        configuration = parts[RequestPart.CONFIGURATION]
        configuration["defaults"] = plan.defaults
        configuration["dependencies"] = [[e.upstream, e.downstream] for e in plan.dependencies]
        parts[RequestPart.OUTPUT]["dependencies"] = [list(e.patterns) for e in plan.dependencies]
        for stage in plan.stages:
            _add_stage(parts, stage, sources)
    return parts


def _add_stage(
    parts: dict[RequestPart, dict[str, Any]], stage: StagePlan, sources: PlanSources
) -> None:
    for name, value in asdict(stage).items():
        if part := PART_OF_STAGE[name]:
            parts[part].setdefault("stages", {}).setdefault(stage.name, {})[name] = value
    for name, value in sources.job_types.get(stage.job_type, {}).items():
        kept = parts[PART_OF_JOB_TYPE[name]].setdefault("job_types", {})
        kept.setdefault(stage.job_type, {})[name] = value
    setups = parts[RequestPart.CONFIGURATION].setdefault("login_setups", {})
    setups[stage.login_setup] = dict(sources.login_setups.get(stage.login_setup, {}))


def _render_ask(ask: Ask) -> dict[str, Any]:
    return {name: value for name, value in asdict(ask).items() if name not in ("keep", "files")}


def hash_parts(parts: Mapping[RequestPart, Mapping[str, Any]]) -> dict[RequestPart, str]:
    """The hash of each part."""
    return {part: compute_digest(parts[part]) for part in RequestPart}


def hash_request(hashes: PartHashes) -> str:
    """The one name of all parts as they are: what somebody has seen who decides."""
    return compute_digest({part.value: found for part, found in hashes.items()})


def list_changed_parts(then: PartHashes, now: PartHashes) -> list[RequestPart]:
    """The parts that are not as they were."""
    return [part for part in RequestPart if then.get(part) != now.get(part)]
