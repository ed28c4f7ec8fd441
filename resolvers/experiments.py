"""Reading and creating experiments."""

from db import experiments
from db.pool import Connection
from domain.names import MOST_NAME, SLUG, wrong_form, wrong_text
from door.describe import thing
from door.pages import Connection as Page
from resolvers import tenants
from resolvers.once import Ask, once
from schema.context import Info
from schema.experiments import (
    CreateExperimentInput,
    CreateExperimentResult,
    Experiment,
)
from schema.experiments import experiment as shown
from schema.fields import changes, reads
from schema.lists import Part, by_name
from schema.problems import IdempotencyKeyReused, Invalid, NameTaken


@thing
class ExperimentQueries:
    """Reading experiments."""

    @reads()
    async def experiments(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Page[Experiment]:
        """Your experiments, by name; service admins see all."""
        viewer = info.context.viewer
        return await by_name(
            Part(first, after, last, before),
            lambda place: experiments.page(info.context.db, viewer.experiments, place),
            lambda row: Experiment.of(row, viewer),
        )

    @reads()
    async def experiment(self, info: Info, name: str) -> Experiment | None:
        """One of your experiments."""
        row = await tenants.find(info, name)
        return None if row is None else Experiment.of(row, info.context.viewer)


@thing
class ExperimentMutations:
    """Changing experiments."""

    @changes("admin")
    async def create_experiment(
        self,
        info: Info,
        input: CreateExperimentInput,  # noqa: A002
    ) -> CreateExperimentResult:
        """Make a tenant. Service admins may."""
        checks = {
            "name": wrong_form(input.name, SLUG, "nova or protodune-2"),
            "title": wrong_text(input.title, MOST_NAME),
        }
        for field, said in checks.items():
            if said:
                return Invalid(message=said, field=field)

        async def create(conn: Connection) -> str | NameTaken:
            row = await experiments.create(conn, input.name, input.title)
            if row is None:
                return NameTaken(
                    message=f"There is an experiment {input.name!r} already.", field="name"
                )
            return str(row.id)

        done = await once(info, Ask("createExperiment", input.idempotency_key, input), create)
        if isinstance(done, NameTaken | IdempotencyKeyReused):
            return done
        return await shown(info, int(done.result))
