"""What a save would make of a campaign's stages, and how that differs from what is there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from db import stages
from domain.campaigns import Known
from domain.findings import camel
from domain.plans import Plan, StagePlan, starts_again, starts_tests_again
from schema.saving import StageChange, StageEffect

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ids:
    """What the names in a plan stand for."""

    job_types: Mapping[str, int]
    login_setups: Mapping[str, int]
    datasets: Mapping[str, int]
    scripts: Collection[str] = ()
    """Those of the job types that are launch scripts."""

    @property
    def known(self) -> Known:
        """As the domain checks it."""
        return Known(self.job_types, self.login_setups, self.datasets, self.scripts)


def needs_own(stage: StagePlan, plan: Plan) -> bool:
    """Whether a stage works on a dataset of its own: what the stages upstream of it make."""
    return stage.dataset is None and stage.name in plan.fed


def rows(
    plan: Plan,
    ids: Ids,
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
        row = _values(stage, ids)
        row["id"] = id_
        if stage.until_exhausted is None:
            row["until_exhausted"] = ends.get(stage.name, True)
        if stage.dataset is not None:
            row["dataset_id"] = ids.datasets[stage.dataset]
        else:
            row["dataset_id"] = own.get(id_ or 0) if needs_own(stage, plan) else None
        found.append(row)
    return found


def _values(stage: StagePlan, ids: Ids) -> Row:
    # Lists, as they come back from the database: what is the same compares so.
    values: Row = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(stage).items()}
    values["job_type_id"] = ids.job_types[values.pop("job_type")]
    values["login_setup_id"] = ids.login_setups[values.pop("login_setup")]
    del values["dataset"]
    return values


def difference(
    plan: Plan, wanted: Sequence[Row], there: Sequence[stages.Stage]
) -> list[StageChange]:
    """What a save does to each stage of the plan, and to those that aren't in it any more."""
    known = {stage.name: stage for stage in there}
    found = [
        _change(stage, row, known.pop(stage.name, None))
        for stage, row in zip(plan.stages, wanted, strict=True)
    ]
    return found + [
        StageChange(stage=old.name, change=StageEffect.DEACTIVATED, fields=[])
        for old in known.values()
        if old.active
    ]


def _change(stage: StagePlan, row: Row, old: stages.Stage | None) -> StageChange:
    if old is None:
        return StageChange(stage=stage.name, change=StageEffect.ADDED, fields=[])
    changed = [name for name in stages.SAVED if row[name] != getattr(old, name)]
    names = [name.removesuffix("_id") for name in changed]
    if not old.active:
        names.append("active")
    again = starts_again(stage, names, old.split)
    tests = old.split if old.test_split is None else old.test_split
    return StageChange(
        stage=stage.name,
        change=StageEffect.CHANGED if names else StageEffect.UNCHANGED,
        fields=[camel(name) for name in names],
        starts_again=again,
        tests_start_again=again or starts_tests_again(stage, names, tests),
    )
