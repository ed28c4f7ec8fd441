"""A campaign as somebody wants it saved."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from domain.joins import joined_by
from domain.splits import SplitError, parse
from domain.stages import Completion, DeadlineFrom, StageKind, TriggerKind


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

    def generates(self, *, fed: bool) -> bool:
        """Makes files from nothing but parameters."""
        without = self.dataset is None and not fed
        return self.kind is StageKind.GENERATOR or (self.kind is StageKind.TEST and without)


@dataclass(frozen=True, slots=True)
class Edge:
    """One dependency, by its stages' names; of a stage with itself: launch the next slice."""

    upstream: str
    downstream: str
    patterns: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole campaign."""

    name: str
    description: str = ""
    parameters: Sequence[Sequence[str]] = ()
    keywords: Sequence[Sequence[str]] = ()
    stages: Sequence[StagePlan] = ()
    dependencies: Sequence[Edge] = ()
    verbatim: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Sections with keys of its file that say nothing here, and go back into it as they are."""

    @property
    def defaults(self) -> dict[str, Any]:
        """What holds for each stage, as it is stored."""
        return {
            "parameters": [list(p) for p in self.parameters],
            "keywords": {pair[0]: pair[1] for pair in self.keywords},
        }

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
    def of(cls, body: Mapping[str, Any]) -> "Plan":
        """What a revision keeps, as it was saved; what it doesn't say yet is as it always was."""
        defaults = body.get("defaults", {})
        return cls(
            name=body["name"],
            description=body.get("description", ""),
            parameters=defaults.get("parameters", []),
            keywords=[[key, value] for key, value in defaults.get("keywords", {}).items()],
            stages=[StagePlan.of(stage) for stage in body["stages"]],
            dependencies=[Edge(**edge) for edge in body["dependencies"]],
            verbatim=body.get("verbatim", {}),
        )

    @property
    def fed(self) -> frozenset[str]:
        """The stages that other stages launch."""
        return frozenset(e.downstream for e in self.dependencies if e.upstream != e.downstream)

    def trigger(self, edge: Edge) -> TriggerKind:
        """When a dependency launches its downstream stage."""
        to = next((stage for stage in self.stages if stage.name == edge.downstream), None)
        joins = to is not None and joined_by(to.split) is not None
        return (
            TriggerKind.JOIN
            if joins and edge.upstream != edge.downstream
            else TriggerKind.PER_PARENT
        )


BEGINNING = ("dataset", "kind")
GENERATING = ("split", "parameter_lists", "jobs_per_slice")


def starts_again(stage: StagePlan, changed: Collection[str], before: str = "none") -> bool:
    """True where the cursor says nothing any more: other files, other indices to generate, or a split
    of another type than before. Other numbers for the same split only change what comes next."""
    if any(name in changed for name in BEGINNING):
        return True
    if stage.generates(fed=False):
        return any(name in changed for name in GENERATING)
    return "split" in changed and counts(stage.split) != counts(before)


def starts_tests_again(stage: StagePlan, changed: Collection[str], before: str) -> bool:
    """The same for the cursor of test launches alone, whose split was `before`."""
    split = stage.split if stage.test_split is None else stage.test_split
    return "test_split" in changed and counts(split) != counts(before)


def counts(split: str) -> object:
    """What the cursor of a split counts; nothing, of one that can't be read."""
    try:
        return parse(split).counts
    except SplitError:
        return None
