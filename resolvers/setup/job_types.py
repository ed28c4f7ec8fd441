"""Reading and saving job types."""

from db.keyset import NameIsTaken
from db.setup import job_types
from door.describe import declare_object_type
from door.pages import Connection as Page
from resolvers import tenants
from resolvers.lists import page_experiment_items
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nouns import JOB_TYPE, find_allowed
from schema.context import Info
from schema.fields import declare_query
from schema.lists import ListPart
from schema.problems import NotFound, NotPermitted, name_taken
from schema.setup.job_types import (
    ChangeJobTypeInput,
    ChangeJobTypeResult,
    CreateJobTypeInput,
    CreateJobTypeResult,
    InvalidJobType,
    JobType,
    JobTypeInput,
    StaleVersion,
)
from schema.setup.parameters import Finding


@declare_object_type
class JobTypeQueries:
    """Reading job types."""

    @declare_query()
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
        part = ListPart(first, after, last, before)
        return await page_experiment_items(
            info, (experiment, name_contains), part, job_types.page, JobType.of
        )


@declare_object_type
class JobTypeMutations:
    """Changing job types."""

    @declare_mutation("create")
    async def create_job_type(
        self,
        info: Info,
        input: CreateJobTypeInput,  # noqa: A002
    ) -> CreateJobTypeResult:
        """Make a job type. It is yours, owned in the role that you have in the experiment."""
        experiment = await tenants.find_experiment(info, input.experiment, "create", "job types in")
        if isinstance(experiment, NotFound | NotPermitted):
            return experiment
        if invalid := _check_job_type_input(input):
            return invalid
        person_id, role = tenants.build_owner(info, experiment.id)
        row = await job_types.create(
            await begin_change(), experiment.id, input.definition, person_id, role
        )
        return JobType.of(row, info) if row else name_taken("job type", input.name)

    @declare_mutation("modify")
    async def change_job_type(
        self,
        info: Info,
        input: ChangeJobTypeInput,  # noqa: A002
    ) -> ChangeJobTypeResult:
        """Save a job type anew; campaigns that use it do so from their next launch."""
        row = await find_allowed(info, JOB_TYPE, input.id, "modify")
        if isinstance(row, NotFound | NotPermitted):
            return row
        if invalid := _check_job_type_input(input):
            return invalid
        version = row.version if input.expected_version is None else input.expected_version
        try:
            person_id = info.context.viewer.person_id
            saved = await job_types.update(
                await begin_change(),
                row.id,
                version,
                input.definition,
                person_id,
                active=input.active,
            )
        except NameIsTaken:
            return name_taken("job type", input.name)
        if saved is None:
            return StaleVersion.of(row.version)
        return JobType.of(saved, info)


def _check_job_type_input(input: JobTypeInput) -> InvalidJobType | None:  # noqa: A002
    found = [Finding.of(finding) for finding in input.definition.findings()]
    if not found:
        return None
    return InvalidJobType(
        message=f"The job type was not saved, {found[0].path}: {found[0].message}", findings=found
    )
