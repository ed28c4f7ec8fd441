"""Job types, as a client sees them."""

from datetime import datetime
from typing import Annotated

import strawberry

from db.setup import job_types
from domain.permissions import Role
from domain.setup.job_types import Consumption, JobKind
from domain.setup.job_types import JobTypeDefinition as Wanted
from door.describe import declare_enum_type, declare_input_type, declare_object_type
from schema.context import Info
from schema.ids import node_id
from schema.people.owned import OwnedNode
from schema.problems import MutationProblem, NameTaken, Problem
from schema.setup.parameters import (
    Finding,
    Parameter,
    ParameterInput,
    Recovery,
    RecoveryInput,
    Resources,
    ResourcesInput,
    show_pairs,
    show_recoveries,
    store_pairs,
    store_recoveries,
)

declare_enum_type(JobKind)
declare_enum_type(Consumption)


@declare_object_type
class InvalidJobType(Problem):
    """The job type can't be saved as it is: everything that is wrong with it."""

    findings: list[Finding]
    """What is wrong, and where."""


@declare_object_type
class StaleVersion(Problem):
    """Somebody has saved it since you read it: read it again."""

    current: int
    """The version that it has now."""

    @classmethod
    def of(cls, current: int) -> "StaleVersion":
        """Say which version there is."""
        return cls(message="Somebody has saved it since: read it again.", current=current)


@declare_object_type
class JobType(OwnedNode):
    """A command with its parameters, and how its jobs are dealt with."""

    name: str
    """Unique in the experiment."""
    kind: JobKind
    """What the command is: what each job runs, or a launch script, which submits the jobs by itself."""
    command: list[str]
    """The program and its arguments; no shell reads them."""
    consumption: Consumption
    """Who says what became of the jobs' files."""
    parameters: list[Parameter]
    """Appended to the command in this order."""
    output_check: list[str]
    """A command that says whether a job's outputs are good; empty: none."""
    patterns: list[str]
    """Globs that a job's outputs match, each at least once."""
    recoveries: list[Recovery]
    """What is done with what a submission leaves undone, in this order."""
    resources: Resources
    """What one job may use."""
    owning_role: Role
    """Who acts on it, besides its owner."""
    active: bool
    """Whether new campaigns may use it."""
    version: int
    """Grows with each save."""
    created_at: datetime
    """When it was made."""
    updated_at: datetime
    """When it was saved last."""
    may_change: bool
    """Whether you may save it."""

    @classmethod
    def of(cls, row: job_types.JobType, info: Info) -> "JobType":
        """Show a row."""
        return cls(
            id=node_id("job_type", row.id),
            name=row.name,
            kind=row.kind,
            command=row.command,
            consumption=row.consumption,
            parameters=show_pairs(row.parameters),
            output_check=row.output_check,
            patterns=row.patterns,
            recoveries=show_recoveries(row.recoveries),
            resources=Resources.of(row.resources),
            owning_role=row.owning_role,
            active=row.active,
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
            may_change=info.context.allows(
                "modify", row.experiment_id, row.owner_id, row.owning_role
            ),
            experiment_id=row.experiment_id,
            owner_id=row.owner_id,
        )


async def load_job_type(info: Info, job_type_id: int) -> JobType:
    """Show a job type that a foreign key names."""
    row = await info.context.load.job_type.load(job_type_id)
    assert row is not None  # noqa: S101 - a foreign key says so
    return JobType.of(row, info)


@declare_input_type
class JobTypeInput:
    """A command with its parameters, and how its jobs are dealt with."""

    name: str
    """Unique in the experiment, up to 100 characters."""
    command: list[str]
    """The program and its arguments; no shell reads them."""
    kind: JobKind = JobKind.PAYLOAD
    """What the command is: what each job runs, or a launch script, which submits the jobs by itself."""
    consumption: Consumption = Consumption.PAYLOAD
    """Who says what became of the jobs' files; `EXIT_CODE` and `PROJECT` only for launch scripts."""
    parameters: list[ParameterInput] = strawberry.field(default_factory=list)
    """Appended to the command in this order."""
    output_check: list[str] = strawberry.field(default_factory=list)
    """A command that says whether a job's outputs are good; empty: none."""
    patterns: list[str] = strawberry.field(default_factory=list)
    """Globs that a job's outputs match, each at least once."""
    recoveries: list[RecoveryInput] = strawberry.field(default_factory=list)
    """What is done with what a submission leaves undone, in this order."""
    resources: ResourcesInput | None = None
    """What one job may use."""

    @property
    def definition(self) -> Wanted:
        """As the domain checks it."""
        return Wanted(
            name=self.name,
            command=self.command,
            kind=self.kind,
            consumption=self.consumption,
            parameters=store_pairs(self.parameters),
            output_check=self.output_check,
            patterns=self.patterns,
            recoveries=store_recoveries(self.recoveries),
            resources=self.resources.plain if self.resources else {},
        )


@declare_input_type
class CreateJobTypeInput(JobTypeInput):
    """A new job type of an experiment."""

    experiment: str
    """The experiment's name."""


@declare_input_type
class ChangeJobTypeInput(JobTypeInput):
    """A job type as it shall be from now on: what is left out becomes empty."""

    id: strawberry.ID
    """Which one."""
    active: bool = True
    """Whether new campaigns may use it."""
    expected_version: int | None = None
    """Refuse when somebody else has saved it since."""


CreateJobTypeResult = Annotated[
    JobType | MutationProblem | InvalidJobType | NameTaken,
    strawberry.union("CreateJobTypeResult"),
]
ChangeJobTypeResult = Annotated[
    JobType | MutationProblem | InvalidJobType | NameTaken | StaleVersion,
    strawberry.union("ChangeJobTypeResult"),
]
