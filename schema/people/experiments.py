"""Experiments, as a client sees them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from auth import Viewer
from db.people import experiments, people
from domain.people.experiment_folders import list_folders
from domain.permissions import Role
from door.describe import declare_input_type, declare_object_type
from door.pages import Connection, Node
from schema.context import Info
from schema.fields import declare_query
from schema.ids import node_id
from schema.lists import ListPart, page_by_text
from schema.people.links import LinkTemplate, LinkTemplateInput
from schema.people.people import Membership
from schema.people.summaries import SummaryQuery, SummaryQueryInput
from schema.problems import Invalid, MutationProblem, NameTaken

if TYPE_CHECKING:
    from schema.launching.queue import LaunchHold


@declare_object_type
class Experiment(Node):
    """A tenant: everything belongs to exactly one."""

    name: str
    """What it is called in queries and on command lines."""
    title: str
    """What people call it."""
    active: bool
    """Whether it still works."""
    created_at: datetime
    """Since when it is here."""
    most_unfinished: int | None
    """How many of its submissions may be unfinished at once; null: any number."""
    most_jobs: int | None
    """How many of their jobs may not be over at once; null: any number."""
    role: Role | None
    """What you are in it; null for service admins who are no members."""
    links: list[LinkTemplate]
    """What is linked to from its campaigns, stages, submissions, jobs and datasets: see their `links`."""
    summaries: list[SummaryQuery]
    """Which numbers are asked of monitors and accounting for its campaigns, stages and submissions: see their
    `summaries`."""
    experiment_id: strawberry.Private[int]
    given_folders: strawberry.Private[list[str]]

    @classmethod
    def of(cls, row: experiments.Experiment, viewer: Viewer) -> "Experiment":
        """Show a row."""
        return cls(
            id=node_id("experiment", row.id),
            name=row.name,
            title=row.title,
            active=row.active,
            created_at=row.created_at,
            most_unfinished=row.most_unfinished,
            most_jobs=row.most_jobs,
            role=viewer.roles.get(row.id),
            experiment_id=row.id,
            given_folders=row.folders,
            links=[LinkTemplate.of(link) for link in row.links],
            summaries=[SummaryQuery.of(each) for each in row.summaries],
        )

    @declare_query()
    async def folders(self, info: Info) -> list[str]:
        """Where its files may lie: below its own folder, which is the first, or one that a service admin gave it."""
        found = list_folders(info.context.store, self.experiment_id, self.given_folders)
        return [str(folder) for folder in found]

    @declare_query()
    async def launch_holds(
        self, info: Info
    ) -> list[Annotated["LaunchHold", strawberry.lazy("schema.launching.queue")]]:
        """For what its launches wait: holds of the experiment, or of everything."""
        from schema.launching.queue import list_holds

        return await list_holds(info, self.experiment_id)

    @declare_query()
    async def members(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Membership]:
        """The people in it, by username."""
        return await page_by_text(
            ListPart(first, after, last, before),
            lambda place: people.list_members(info.context.db, self.experiment_id, place),
            Membership.of,
            lambda row: row.username,
        )


async def load_experiment(info: Info, experiment_id: int) -> Experiment:
    """Show an experiment that a foreign key names."""
    row = await info.context.load.experiment.load(experiment_id)
    assert row is not None  # noqa: S101 - a foreign key says so
    return Experiment.of(row, info.context.viewer)


@declare_input_type
class CreateExperimentInput:
    """A new tenant."""

    name: str
    """Small letters, digits, `_` and `-`, up to 32, beginning with a letter."""
    title: str = ""
    """What people call it."""


CreateExperimentResult = Annotated[
    Experiment | MutationProblem | Invalid | NameTaken,
    strawberry.union("CreateExperimentResult"),
]


@declare_input_type
class SetExperimentFoldersInput:
    """Where an experiment's files may lie besides its own folder."""

    experiment: str
    """The experiment's name."""
    folders: list[str]
    """All of them, in place of those that it has: at most 50 absolute paths, none above the store."""


SetExperimentFoldersResult = Annotated[
    Experiment | MutationProblem | Invalid,
    strawberry.union("SetExperimentFoldersResult"),
]


@declare_input_type
class SetExperimentLinksInput:
    """Which links are shown with an experiment's things."""

    experiment: str
    """The experiment's name."""
    links: list[LinkTemplateInput]
    """All of them, in place of those that it has, in the order in which they are shown: at most 50."""


SetExperimentLinksResult = Annotated[
    Experiment | MutationProblem | Invalid,
    strawberry.union("SetExperimentLinksResult"),
]


@declare_input_type
class SetExperimentSummariesInput:
    """Which numbers are asked of other systems for an experiment's things."""

    experiment: str
    """The experiment's name."""
    summaries: list[SummaryQueryInput]
    """All of them, in place of those that it has, in the order in which they are shown: at most 20."""


SetExperimentSummariesResult = Annotated[
    Experiment | MutationProblem | Invalid,
    strawberry.union("SetExperimentSummariesResult"),
]
