"""Reading and saving job types."""

from db import job_types
from db.keyset import Taken
from db.pool import Connection
from domain.people import Role
from door.describe import thing
from door.pages import Connection as Page
from resolvers import tenants
from resolvers.lists import of_experiment
from resolvers.once import Ask, once
from schema.context import Info
from schema.fields import changes, reads
from schema.ids import number
from schema.job_types import (
    ChangeJobTypeInput,
    ChangeJobTypeResult,
    CreateJobTypeInput,
    CreateJobTypeResult,
    InvalidJobType,
    JobType,
    JobTypeInput,
    StaleVersion,
)
from schema.job_types import job_type as shown
from schema.lists import Part
from schema.parameters import Finding
from schema.problems import IdempotencyKeyReused, NameTaken


@thing
class JobTypeQueries:
    """Reading job types."""

    @reads()
    async def job_types(
        self,
        info: Info,
        experiment: str,
        name_contains: str | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Page[JobType]:
        """An experiment's job types, by name."""
        part = Part(first, after, last, before)
        return await of_experiment(
            info, (experiment, name_contains), part, job_types.page, JobType.of
        )


@thing
class JobTypeMutations:
    """Changing job types."""

    @changes("create")
    async def create_job_type(
        self,
        info: Info,
        input: CreateJobTypeInput,  # noqa: A002
    ) -> CreateJobTypeResult:
        """Make a job type. It is yours, owned in the role that you have in the experiment."""
        experiment = await tenants.find(info, input.experiment)
        if experiment is None:
            return tenants.unknown("experiment", input.experiment)
        experiment_id = experiment.id
        if not tenants.may_create(info, experiment_id):
            return tenants.refused("create", f"job types in {experiment.name}")
        if invalid := _invalid(input):
            return invalid
        owner: tuple[int, Role] = tenants.owner(info, experiment_id)

        async def create(conn: Connection) -> str | NameTaken:
            row = await job_types.create(conn, experiment_id, input.wanted, *owner)
            return str(row.id) if row else _taken(input.name)

        done = await once(info, Ask("createJobType", input.idempotency_key, input), create)
        if isinstance(done, NameTaken | IdempotencyKeyReused):
            return done
        return await shown(info, int(done.result))

    @changes("modify")
    async def change_job_type(
        self,
        info: Info,
        input: ChangeJobTypeInput,  # noqa: A002
    ) -> ChangeJobTypeResult:
        """Save a job type anew; campaigns that use it do so from their next launch."""
        key = number(input.id, "job_type")
        row = None if key is None else await info.context.load.job_type.load(key)
        if row is None or not info.context.allows("view", row.experiment_id):
            return tenants.unknown("job type", input.id)
        if not info.context.allows("modify", row.experiment_id, row.owner_id, row.owning_role):
            return tenants.refused("modify", f"job type {row.name}")
        if invalid := _invalid(input):
            return invalid
        version = row.version if input.expected_version is None else input.expected_version
        try:
            saved = await job_types.change(
                info.context.db, row.id, version, input.wanted, active=input.active
            )
        except Taken:
            return _taken(input.name)
        if saved is None:
            return StaleVersion(
                message="Somebody has saved it since: read it again.", current=row.version
            )
        await info.context.ring()
        return JobType.of(saved, info)


def _invalid(input: JobTypeInput) -> InvalidJobType | None:  # noqa: A002
    found = [Finding.of(finding) for finding in input.wanted.findings()]
    if not found:
        return None
    return InvalidJobType(
        message=f"The job type was not saved, {found[0].path}: {found[0].message}", findings=found
    )


def _taken(name: str) -> NameTaken:
    return NameTaken(message=f"The experiment has a job type {name!r} already.", field="name")
