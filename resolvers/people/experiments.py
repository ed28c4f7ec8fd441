"""Reading and creating experiments."""

from dataclasses import fields
from itertools import chain

from db.people import experiments
from domain.addresses import check_outside_url
from domain.findings import Finding
from domain.links import LinkTemplate, check_links
from domain.names import MOST_NAME, SLUG, check_form, check_text
from domain.people.experiment_folders import check_folders
from domain.summaries import SummaryQuery, check_summaries
from door.describe import declare_object_type
from door.pages import Connection as Page
from resolvers import tenants
from resolvers.mutations import begin_change, declare_mutation
from schema.context import Info
from schema.fields import declare_query
from schema.lists import ListPart, page_by_name
from schema.people.experiments import (
    CreateExperimentInput,
    CreateExperimentResult,
    Experiment,
    SetExperimentFoldersInput,
    SetExperimentFoldersResult,
    SetExperimentLinksInput,
    SetExperimentLinksResult,
    SetExperimentSummariesInput,
    SetExperimentSummariesResult,
)
from schema.people.summaries import SummaryQueryInput
from schema.problems import Invalid, NotFound, NotPermitted, name_taken


@declare_object_type
class ExperimentQueries:
    """Reading experiments."""

    @declare_query()
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
        return await page_by_name(
            ListPart(first, after, last, before),
            lambda place: experiments.page(info.context.db, viewer.experiments, place),
            lambda row: Experiment.of(row, viewer),
        )

    @declare_query()
    async def experiment(self, info: Info, name: str) -> Experiment | None:
        """One of your experiments."""
        row = await tenants.find_visible_experiment(info, name)
        return None if row is None else Experiment.of(row, info.context.viewer)


@declare_object_type
class ExperimentMutations:
    """Changing experiments."""

    @declare_mutation("admin")
    async def create_experiment(
        self,
        info: Info,
        input: CreateExperimentInput,  # noqa: A002
    ) -> CreateExperimentResult:
        """Make a tenant. Service admins may."""
        checks = {
            "name": check_form(input.name, SLUG, "nova or protodune-2"),
            "title": check_text(input.title, MOST_NAME),
        }
        for field, said in checks.items():
            if said:
                return Invalid(message=said, field=field)
        person_id = info.context.viewer.person_id
        row = await experiments.create(await begin_change(), input.name, input.title, person_id)
        if row is None:
            return name_taken("experiment", input.name)
        return Experiment.of(row, info.context.viewer)

    @declare_mutation("admin")
    async def set_experiment_folders(
        self,
        info: Info,
        input: SetExperimentFoldersInput,  # noqa: A002
    ) -> SetExperimentFoldersResult:
        """Give an experiment the folders in which its files may lie besides its own. Service admins may.

        Whoever may add files in the experiment can then have what lies there read by its jobs.
        """
        row = await tenants.find_experiment(info, input.experiment)
        if isinstance(row, NotFound | NotPermitted):
            return row
        if said := check_folders(input.folders, info.context.store):
            return Invalid(message=said, field="folders")
        folders = list(dict.fromkeys(input.folders))
        person_id = info.context.viewer.person_id
        saved = await experiments.give_folders(await begin_change(), row.id, folders, person_id)
        return Experiment.of(saved or row, info.context.viewer)

    @declare_mutation("manage_members")
    async def set_experiment_summaries(
        self,
        info: Info,
        input: SetExperimentSummariesInput,  # noqa: A002
    ) -> SetExperimentSummariesResult:
        """Say which numbers are asked of monitors and accounting for an experiment's things. Its superusers may."""
        row = await tenants.find_experiment(info, input.experiment, "manage_members", "of")
        if isinstance(row, NotFound | NotPermitted):
            return row
        asked = [_read_summary_query(each) for each in input.summaries]
        trusted = info.context.app_state.catalog_hosts
        wrong_urls = (
            Finding(f"summaries[{n}].url", said)
            for n, each in enumerate(asked)
            if (said := check_outside_url(each.url, trusted))
        )
        if found := next(chain(check_summaries(asked), wrong_urls), None):
            return Invalid(message=found.message, field=found.path)
        person_id = info.context.viewer.person_id
        saved = await experiments.set_summaries(await begin_change(), row.id, asked, person_id)
        return Experiment.of(saved or row, info.context.viewer)

    @declare_mutation("manage_members")
    async def set_experiment_links(
        self,
        info: Info,
        input: SetExperimentLinksInput,  # noqa: A002
    ) -> SetExperimentLinksResult:
        """Say which links are shown with an experiment's things, to monitors and logbooks. Its superusers may."""
        row = await tenants.find_experiment(info, input.experiment, "manage_members", "of")
        if isinstance(row, NotFound | NotPermitted):
            return row
        links = [LinkTemplate(link.subject, link.title, link.template) for link in input.links]
        if found := next(check_links(links), None):
            return Invalid(message=found.message, field=found.path)
        person_id = info.context.viewer.person_id
        saved = await experiments.set_links(await begin_change(), row.id, links, person_id)
        return Experiment.of(saved or row, info.context.viewer)


def _read_summary_query(given: SummaryQueryInput) -> SummaryQuery:
    return SummaryQuery(**{f.name: getattr(given, f.name) for f in fields(SummaryQuery)})
