"""A campaign as somebody wants it saved."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from domain.campaigns.joins import find_join_key
from domain.campaigns.splits.reading import SplitError, parse_split
from domain.campaigns.stages import Completion, DeadlineFrom, StageKind, TriggerKind
from domain.setup.parameters import UnknownKeyword, fill_dataset_name

SPLITS_OF_LISTS = frozenset({"multiparam", "list"})
"""Splits that go through parameter lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan:
    """One stage, with what it refers to by name."""

    name: str
    job_type: str
    login_setup: str
    kind: StageKind = StageKind.REGULAR
    dataset: str | None = None
    parameter_lists: Sequence[Sequence[str]] = ()
    split: str = "none"
    test_split: str | None = None
    software_version: str = ""
    parameters: Sequence[Sequence[str]] = ()
    test_parameters: Sequence[Sequence[str]] = ()
    files_per_job: int = 1
    bytes_per_job: int | None = None
    jobs_per_slice: int = 1
    events_per_job: int | None = None
    completion: Completion = Completion.LOCATED
    completion_pct: int = 95
    deadline_s: int | None = None
    deadline_from: DeadlineFrom = DeadlineFrom.LAUNCH
    recoveries: Sequence[Mapping[str, Any]] | None = None
    resources: Mapping[str, int] = field(default_factory=dict)
    batch_system: str = "local"
    batch_options: Mapping[str, Any] = field(default_factory=dict)
    """As `BatchOptions` stores them."""
    most_unfinished: int | None = None
    most_jobs: int | None = None
    merge_overrides: bool = True
    """Takes the campaign's parameters over those of its job type."""
    output_ancestor_depth: int = 1
    """Which outputs count and go on: those so many steps below the inputs."""
    until_exhausted: bool | None = None
    """Its schedule ends when there are no more slices. None: as it is; a new stage's does."""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "StagePlan":
        """What a revision keeps of a stage; before files had bounds of events, generators alone had a number."""
        kind, completion = StageKind(body["kind"]), Completion(body["completion"])
        bounds = body.get("events_per_job") if "bytes_per_job" in body else None
        events = body.get("events_per_job") if kind is StageKind.GENERATOR else bounds
        read = {"kind": kind, "completion": completion, "events_per_job": events}
        return cls(**{**body, **read})

    @property
    def has_own_work(self) -> bool:
        """Says itself what it works on: where others launch it, too, that is for launches by hand."""
        named = self.split.partition("(")[0].strip().lower()
        return self.dataset is not None or named in SPLITS_OF_LISTS

    def generates(self, *, fed: bool) -> bool:
        """Makes files from nothing but parameters, or knows by itself what it works on."""
        return self.kind is StageKind.GENERATOR or (self.dataset is None and not fed)


@dataclass(frozen=True, slots=True)
class PlanEdge:
    """One dependency, by its stages' names; of a stage with itself: launch the next slice."""

    upstream: str
    downstream: str
    patterns: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPlan:
    """A whole campaign."""

    name: str
    description: str = ""
    parameters: Sequence[Sequence[str]] = ()
    keywords: Sequence[Sequence[str]] = ()
    stages: Sequence[StagePlan] = ()
    dependencies: Sequence[PlanEdge] = ()
    verbatim: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Sections with keys of its file that say nothing here, and go back into it as they are."""

    @property
    def defaults(self) -> dict[str, Any]:
        """What holds for each stage, as it is stored."""
        return {
            "parameters": [list(p) for p in self.parameters],
            "keywords": {pair[0]: pair[1] for pair in self.keywords},
        }

    def name_datasets(self, experiment: str) -> dict[str, str]:
        """What the datasets are called, by what stages say of them; a keyword that is none is part of the name."""
        own, found = self.defaults["keywords"], dict[str, str]()
        for stage in self.stages:
            if stage.dataset is not None:
                found[stage.dataset] = stage.dataset
                with suppress(UnknownKeyword):
                    found[stage.dataset] = fill_dataset_name(
                        stage.dataset, own, version=stage.software_version, experiment=experiment
                    )
        return found

    @property
    def body(self) -> dict[str, Any]:
        """The whole as its revision keeps it."""
        return {
            "name": self.name,
            "description": self.description,
            "defaults": self.defaults,
            "stages": [asdict(stage) for stage in self.stages],
            "dependencies": [asdict(edge) for edge in self.dependencies],
            "verbatim": {header: dict(keys) for header, keys in self.verbatim.items()},
        }

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "CampaignPlan":
        """What a revision keeps, as it was saved; what it doesn't say yet is as it always was."""
        defaults = body.get("defaults", {})
        return cls(
            name=body["name"],
            description=body.get("description", ""),
            parameters=defaults.get("parameters", []),
            keywords=[[key, value] for key, value in defaults.get("keywords", {}).items()],
            stages=[StagePlan.of(stage) for stage in body["stages"]],
            dependencies=[PlanEdge(**edge) for edge in body["dependencies"]],
            verbatim=body.get("verbatim", {}),
        )

    def rename_stage(self, old: str, new: str) -> "CampaignPlan":
        """The same with another name of a stage, wherever the stage is named; what its file keeps goes along."""

        def name(given: str) -> str:
            return new if given == old else given

        headers = {f"{what} {old}": f"{what} {new}" for what in ("campaign_stage", "dependencies")}
        return replace(
            self,
            stages=[replace(stage, name=name(stage.name)) for stage in self.stages],
            dependencies=[
                replace(e, upstream=name(e.upstream), downstream=name(e.downstream))
                for e in self.dependencies
            ],
            verbatim={headers.get(header, header): keys for header, keys in self.verbatim.items()},
        )

    @property
    def whole_dependencies(self) -> list[PlanEdge]:
        """The dependencies whose stages are both there. A file may name others, which launch nothing."""
        names = {stage.name for stage in self.stages}
        return [e for e in self.dependencies if e.upstream in names and e.downstream in names]

    @property
    def launched_by_others(self) -> frozenset[str]:
        """The stages that other stages launch."""
        edges = self.whole_dependencies
        return frozenset(e.downstream for e in edges if e.upstream != e.downstream)

    @property
    def fed(self) -> frozenset[str]:
        """Those of them that work on what the others make, and on nothing else."""
        own = {stage.name for stage in self.stages if stage.has_own_work}
        return self.launched_by_others - own

    def trigger(self, edge: PlanEdge) -> TriggerKind:
        """When a dependency launches its downstream stage."""
        to = next((stage for stage in self.stages if stage.name == edge.downstream), None)
        joins = to is not None and find_join_key(to.split) is not None
        return (
            TriggerKind.JOIN
            if joins and edge.upstream != edge.downstream
            else TriggerKind.PER_PARENT
        )


BEGINNING = ("dataset", "kind")
GENERATING = ("split", "parameter_lists", "jobs_per_slice")


def must_restart(
    stage: StagePlan, changed: Collection[str], before: str = "none", *, fed: bool = False
) -> bool:
    """True where the cursor says nothing any more: other files, other indices to generate, or a split
    of another type than before. Other numbers for the same split only change what comes next."""
    if any(name in changed for name in BEGINNING):
        return True
    if stage.generates(fed=fed):
        return any(name in changed for name in GENERATING)
    return "split" in changed and describe_cursor_unit(stage.split) != describe_cursor_unit(before)


def must_restart_tests(stage: StagePlan, changed: Collection[str], before: str) -> bool:
    """The same for the cursor of test launches alone, whose split was `before`."""
    split = stage.split if stage.test_split is None else stage.test_split
    return "test_split" in changed and describe_cursor_unit(split) != describe_cursor_unit(before)


def describe_cursor_unit(split: str) -> object:
    """What the cursor of a split counts; nothing, of one that can't be read."""
    try:
        return parse_split(split).counts
    except SplitError:
        return None
