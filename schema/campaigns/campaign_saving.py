"""Save a campaign: the whole of it at once."""

from enum import StrEnum
from typing import Annotated

import strawberry

from domain.campaigns.plans import CampaignPlan, PlanEdge, StagePlan
from domain.campaigns.stages import Completion, DeadlineFrom, StageKind
from door.describe import declare_enum_type, declare_input_type, declare_object_type
from schema.campaigns.campaigns import Campaign
from schema.campaigns.file_findings import FileFinding
from schema.numbers import BigInt
from schema.problems import (
    Invalid,
    MutationProblem,
    Problem,
    TooMany,
)
from schema.setup.batch_options import BatchOptionsInput
from schema.setup.parameters import (
    Finding,
    ParameterInput,
    RecoveryInput,
    ResourcesInput,
    store_pairs,
    store_recoveries,
)


@declare_input_type
class StageInput:
    """One step of the campaign, with what it refers to by name."""

    name: str
    """Unique in the campaign; a stage with another name is another stage."""
    job_type: str
    """The job type's name."""
    login_setup: str
    """The login setup's name."""
    kind: StageKind = StageKind.REGULAR
    """What it does when it is launched."""
    dataset: str | None = None
    """The name of what it works on; a stage with something upstream needs none."""
    parameter_lists: list[list[str]] = strawberry.field(default_factory=list)
    """What `multiparam` makes its combinations of, the first list changing fastest; of `list` the one."""
    split: str = "none"
    """How its work is cut into slices, such as `nfiles(20)`, `byrun(low=1, high=100)`, `nbytes(10GB)`;
    `docs/splits.md` has them all, and `previewSplit` shows what comes of it."""
    test_split: str | None = None
    """The same for test launches; null: as for others."""
    software_version: str = ""
    """The version that its jobs run, the keyword `%(version)s`."""
    parameters: list[ParameterInput] = strawberry.field(default_factory=list)
    """Over those of the job type and the campaign."""
    test_parameters: list[ParameterInput] = strawberry.field(default_factory=list)
    """Over all these in test launches."""
    files_per_job: int = 1
    """How many files one job works on at most: 1 to 100,000."""
    bytes_per_job: BigInt | None = None
    """How large the files of one job are together at most; one that is larger has a job of its own. Null: any size."""
    jobs_per_slice: int = 1
    """How many jobs one launch of a generator starts: 1 to 100,000."""
    events_per_job: BigInt | None = None
    """How many events one job of a generator makes (null: 1); of other stages, how many its files have together
    at most, with a job of its own for one that has more (null: any number)."""
    completion: Completion = Completion.LOCATED
    """When a submission counts as usable."""
    completion_pct: int = 95
    """Of how many of the files that were done (of a generator: of its jobs) the outputs must be located, in percent."""
    deadline_s: int | None = None
    """Within how many seconds a submission must be located, or it is marked as overdue; null: no deadline."""
    deadline_from: DeadlineFrom = DeadlineFrom.LAUNCH
    """From when these count."""
    recoveries: list[RecoveryInput] | None = None
    """What is done with what a submission leaves undone; null: as the job type says."""
    resources: ResourcesInput | None = None
    """What one job may use, over what the job type says."""
    batch_system: str = "local"
    """Where its jobs run."""
    batch_options: BatchOptionsInput | None = None
    """What they ask of that batch system besides."""
    most_unfinished: int | None = None
    """How many of its submissions may be unfinished at once; null: any number."""
    most_jobs: int | None = None
    """How many of their jobs may not be over at once; null: any number."""
    merge_overrides: bool = True
    """Whether the campaign's parameters hold for it, between those of the job type and its own."""
    output_ancestor_depth: int = 1
    """Which outputs count for its completion and go on to the stages after it: 1, those that jobs made straight from
    their inputs; 2, those that they made from these; and so on, up to 10."""
    until_exhausted: bool | None = None
    """Whether its schedule, if it has one, ends when there are no more slices; null: as it is, at first it does."""

    @property
    def plan(self) -> StagePlan:
        """As the domain checks it."""
        recoveries = None if self.recoveries is None else store_recoveries(self.recoveries)
        return StagePlan(
            name=self.name,
            job_type=self.job_type,
            login_setup=self.login_setup,
            kind=self.kind,
            dataset=self.dataset,
            parameter_lists=self.parameter_lists,
            split=self.split,
            test_split=self.test_split,
            software_version=self.software_version,
            parameters=store_pairs(self.parameters),
            test_parameters=store_pairs(self.test_parameters),
            files_per_job=self.files_per_job,
            bytes_per_job=self.bytes_per_job,
            jobs_per_slice=self.jobs_per_slice,
            events_per_job=self.events_per_job,
            completion=self.completion,
            completion_pct=self.completion_pct,
            deadline_s=self.deadline_s,
            deadline_from=self.deadline_from,
            recoveries=recoveries,
            resources=self.resources.plain if self.resources else {},
            batch_system=self.batch_system,
            batch_options=self.batch_options.plain if self.batch_options else {},
            most_unfinished=self.most_unfinished,
            most_jobs=self.most_jobs,
            merge_overrides=self.merge_overrides,
            output_ancestor_depth=self.output_ancestor_depth,
            until_exhausted=self.until_exhausted,
        )


@declare_input_type
class DependencyInput:
    """An edge between two stages: outputs of the one launch the other."""

    upstream: str
    """The name of the stage whose outputs go on."""
    downstream: str
    """The name of the stage that is launched; the same stage's: its next slice."""
    patterns: list[str] = strawberry.field(default_factory=list)
    """Which outputs go on, by globs such as `*.root`, or with a `%` by LIKE, such as `%_reco.root`; none: all."""


@declare_input_type
class CampaignDefaultsInput:
    """What holds for each stage of the campaign."""

    parameters: list[ParameterInput] = strawberry.field(default_factory=list)
    """Over those of the job types."""
    keywords: list[ParameterInput] = strawberry.field(default_factory=list)
    """What `%(key)s` becomes in parameters and commands."""


@declare_input_type
class SaveCampaignInput:
    """A whole campaign as it shall be from now on."""

    experiment: str
    """The experiment's name."""
    name: str
    """Unique in the experiment; one that isn't there yet is made."""
    description: str = ""
    """What it is for."""
    defaults: CampaignDefaultsInput | None = None
    """What holds for each stage."""
    stages: list[StageInput]
    """All its steps, 1 to 200; those that it had and that are not in the list become inactive."""
    dependencies: list[DependencyInput] = strawberry.field(default_factory=list)
    """Which stages launch which, at most 1,000."""
    comment: str = ""
    """Why, for the list of revisions; at most 1,000 characters."""
    expected_revision: int | None = None
    """Refuse when somebody has saved it since this revision; 0: when it is there at all."""
    dry_run: bool = False
    """Save nothing, say what would change."""

    @property
    def plan(self) -> CampaignPlan:
        """As the domain checks it."""
        defaults = self.defaults or CampaignDefaultsInput()
        return CampaignPlan(
            name=self.name,
            description=self.description,
            parameters=store_pairs(defaults.parameters),
            keywords=store_pairs(defaults.keywords),
            stages=[stage.plan for stage in self.stages],
            dependencies=[
                PlanEdge(edge.upstream, edge.downstream, edge.patterns)
                for edge in self.dependencies
            ],
        )


@declare_enum_type
class StageEffect(StrEnum):
    """What a save does to a stage."""

    ADDED = "added"
    """It is new."""
    CHANGED = "changed"
    """It gets another configuration."""
    UNCHANGED = "unchanged"
    """It stays as it is."""
    DEACTIVATED = "deactivated"
    """It leaves the campaign."""


@declare_object_type
class StageChange:
    """What a save does to one stage."""

    stage: str
    """The stage's name."""
    change: StageEffect
    """What happens to it."""
    fields: list[str]
    """Which of its fields change."""
    starts_again: bool = False
    """Whether its work begins anew, because its cursor says nothing about what it works on now."""
    tests_start_again: bool = False
    """The same for its test launches, which have a cursor of their own."""


@declare_object_type
class CampaignSaved:
    """The campaign is saved."""

    campaign: Campaign
    """As it is now."""
    changes: list[StageChange]
    """What that did to its stages."""


@declare_object_type
class CampaignPlanned:
    """What a save would do; nothing was saved."""

    revision: int
    """The number that the revision would have."""
    changes: list[StageChange]
    """What it would do to the stages."""


@declare_object_type
class InvalidCampaign(Problem):
    """The campaign can't be saved as it is: everything that is wrong with it."""

    findings: list[Finding]
    """What is wrong, and where."""


@declare_object_type
class InvalidCampaignFile(Problem):
    """The file can't be taken, or what it says not be launched: all that is to be said about it."""

    findings: list[FileFinding]
    """What is wrong, and where, at most 200; with warnings."""


@declare_object_type
class StaleRevision(Problem):
    """Somebody has saved the campaign since you read it: read it again."""

    current: int
    """The number of its newest revision; 0: it isn't there."""


SaveCampaignResult = Annotated[
    CampaignSaved
    | CampaignPlanned
    | MutationProblem
    | InvalidCampaign
    | StaleRevision
    | TooMany
    | Invalid,
    strawberry.union("SaveCampaignResult"),
]
SetCampaignActiveResult = Annotated[
    Campaign | MutationProblem | InvalidCampaignFile,
    strawberry.union("SetCampaignActiveResult"),
]
