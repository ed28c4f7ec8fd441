"""What a save would make of a campaign's stages, and how that differs from what is there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from db.campaigns import stages
from domain.campaigns.campaigns import KnownNames
from domain.campaigns.plans import CampaignPlan, StagePlan, must_restart, must_restart_tests
from domain.findings import make_camel_case
from domain.setup.batch_rules import BatchRules
from schema.campaigns.campaign_saving import StageChange, StageEffect

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PlanIds:
    """What the names in a plan stand for."""

    job_types: Mapping[str, int]
    login_setups: Mapping[str, int]
    datasets: Mapping[str, int]
    scripts: Collection[str] = ()
    """Those of the job types that are launch scripts."""
    refused_setups: Mapping[str, str] = field(default_factory=dict)
    """Why the campaign must not use others of the login setups."""
    batch_rules: BatchRules = field(default_factory=BatchRules)

    @property
    def known_names(self) -> KnownNames:
        """As the domain checks it."""
        return KnownNames(
            self.job_types,
            self.login_setups,
            self.datasets,
            self.scripts,
            self.refused_setups,
            self.batch_rules,
        )


def must_have_own_dataset(stage: StagePlan, plan: CampaignPlan) -> bool:
    """Whether a stage works on a dataset of its own: what the stages upstream of it make."""
    return stage.dataset is None and stage.name in plan.fed


def build_rows(
    plan: CampaignPlan,
    ids: PlanIds,
    there: Sequence[stages.Stage],
    own: Mapping[int, int],
    ids_of: Mapping[str, int] | None = None,
) -> list[Row]:
    """The stages of a plan as rows; those that aren't there yet have no id unless `ids_of` says it."""
    known = ids_of or {stage.name: stage.id for stage in there}
    ends = {stage.name: stage.until_exhausted for stage in there}
    found = []
    for stage in plan.stages:
        id_ = known.get(stage.name)
        row = _build_row_values(stage, ids)
        row["id"] = id_
        if stage.until_exhausted is None:
            row["until_exhausted"] = ends.get(stage.name, True)
        if stage.dataset is not None:
            row["dataset_id"] = ids.datasets[stage.dataset]
        else:
            row["dataset_id"] = own.get(id_ or 0) if must_have_own_dataset(stage, plan) else None
        found.append(row)
    return found


def _build_row_values(stage: StagePlan, ids: PlanIds) -> Row:
    # Lists, as they come back from the database: what is the same compares so.
    values: Row = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(stage).items()}
    values["job_type_id"] = ids.job_types[values.pop("job_type")]
    values["login_setup_id"] = ids.login_setups[values.pop("login_setup")]
    del values["dataset"]
    return values


def list_stage_changes(
    plan: CampaignPlan, wanted: Sequence[Row], there: Sequence[stages.Stage]
) -> list[StageChange]:
    """What a save does to each stage of the plan, and to those that aren't in it any more."""
    known = {stage.name: stage for stage in there}
    found = [
        _compare_stage(stage, row, known.pop(stage.name, None))
        for stage, row in zip(plan.stages, wanted, strict=True)
    ]
    return found + [
        StageChange(stage=old.name, change=StageEffect.DEACTIVATED, fields=[])
        for old in known.values()
        if old.active
    ]


def _compare_stage(stage: StagePlan, row: Row, old: stages.Stage | None) -> StageChange:
    if old is None:
        return StageChange(stage=stage.name, change=StageEffect.ADDED, fields=[])
    changed = [name for name in stages.SAVED if row[name] != getattr(old, name)]
    names = [name.removesuffix("_id") for name in changed]
    if not old.active:
        names.append("active")
    again = must_restart(stage, names, old.split, fed=row["dataset_id"] is not None)
    tests = old.split if old.test_split is None else old.test_split
    return StageChange(
        stage=stage.name,
        change=StageEffect.CHANGED if names else StageEffect.UNCHANGED,
        fields=[make_camel_case(name) for name in names],
        starts_again=again,
        tests_start_again=again or must_restart_tests(stage, names, tests),
    )
