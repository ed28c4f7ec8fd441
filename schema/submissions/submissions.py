"""Submissions, as a client sees them."""

from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, cast

import strawberry
from strawberry.scalars import JSON

from db.submissions import submission_listings, submissions
from domain.setup.job_types import Consumption
from domain.submissions.actions import SubmissionAction, list_available_actions
from domain.submissions.completion import OutputSource, choose_output_source
from domain.submissions.configuration import fill_stored, read_consumption, read_cpus
from domain.submissions.file_states import Delivery, Outcome, OutputState
from domain.submissions.jobs import JobState
from domain.submissions.submissions import SubmissionState
from domain.submissions.usage_records import UsageFormat
from door.describe import declare_enum_type, declare_object_type
from door.pages import Connection, Node
from schema.context import Info
from schema.fields import declare_query
from schema.ids import node_id
from schema.lists import ListPart
from schema.numbers import BigInt
from schema.people.links import Link
from schema.people.people import Person, load_person
from schema.people.summaries import Summary
from schema.setup.uploads import Upload
from schema.submissions import outputs
from schema.submissions.change_types import Change
from schema.submissions.jobs import Job, page_jobs
from schema.submissions.launches import JobAction, LaunchedCluster, Slice
from schema.submissions.link_values import list_submission_links, list_submission_summaries
from schema.submissions.operating_rights import may_operate
from schema.submissions.outputs import InputFile, OutputFile
from schema.submissions.progress import compute_share
from schema.submissions.submission_events import page_history
from schema.submissions.unfinished_work import UnfinishedWork
from schema.submissions.usage import render_usage

declare_enum_type(OutputSource)

if TYPE_CHECKING:
    from schema.campaigns.campaigns import Campaign
    from schema.campaigns.stages import Stage
    from schema.launching.catalog_launches import CatalogLaunch
    from schema.launching.launch_attempts import LaunchAttempt
    from schema.launching.queue import LaunchWait
    from schema.people.experiments import Experiment


@declare_object_type
class Submission(UnfinishedWork, Node):
    """One launch of one stage on one slice."""

    state: SubmissionState
    """Where it is."""
    state_since: datetime
    """Since when it is there."""
    revision: BigInt
    """Grows with each change that is told."""
    reason: str
    """Why it is in this state, where that needs saying."""
    decision_needed: str
    """What somebody has to decide about it: no recovery of its list does so by itself, or its outputs were refused."""
    is_test: bool
    """Launched to try the stage out."""
    overdue_since: datetime | None
    """When it passed its stage's deadline without being located; stays when it is located later."""
    campaign_revision: int
    """The revision of the campaign that it was launched from."""
    created_at: datetime
    """When it was launched."""
    ended_at: datetime | None
    """When its batch work was over."""
    archived_at: datetime | None
    """When its inputs and the attempts of its jobs went into the archive: it can't be recovered any more."""
    batch_system: str
    """Where its jobs run."""
    priority: int
    """The higher begins and runs first."""
    configuration: JSON
    """Exactly what it ran with."""
    consumption: Consumption
    """Who tells what became of its files."""
    output_source: OutputSource
    """Who tells what it made."""
    dataset_name: str | None
    """What the files are called on which it works, all of them together: see `datasetNamed`. Null: it has none, or is
    of before they were called anything."""
    recovery_position: int | None
    """Of a recovery: which entry of the stage's recoveries it is."""
    round: int | None
    """Of a recovery: which round of that entry."""
    jobs_total: int
    """Its jobs; by state in the next ones."""
    jobs_idle: int
    """Waiting to run."""
    jobs_running: int
    """Running now."""
    jobs_held: int
    """Kept from running until they are released."""
    jobs_succeeded: int
    """Over, and well."""
    jobs_failed: int
    """Over, and not well."""
    jobs_removed: int
    """Taken away by somebody."""
    jobs_unknown: int
    """In states that the batch system named and we don't know."""
    files_total: BigInt
    """Its inputs; by how far they have come in the next four, by what became of them after that."""
    files_waiting: BigInt
    """No job has got them yet."""
    files_delivered: BigInt
    """A job has got them."""
    files_consumed: BigInt
    """A job has read them."""
    files_skipped: BigInt
    """A job left them out."""
    files_done: BigInt
    """Everything was made of them."""
    files_failed: BigInt
    """Not everything could be made of them."""
    outputs_declared: BigInt
    """Jobs say that they made them; nobody has seen them yet."""
    outputs_located: BigInt
    """Seen where they should be."""
    outputs_lost: BigInt
    """Gone."""
    outputs_superseded: BigInt
    """Made by attempts that don't count."""
    outputs_refused: BigInt
    """There, but other files of the experiment have their names."""
    events_located: BigInt
    """Events in located outputs."""
    cpu_s: float
    """CPU seconds of jobs that are over."""
    wall_s: float
    """Wall clock seconds of jobs that are over."""
    wall_wasted_s: float
    """Wall clock seconds of jobs that are over and did not succeed."""
    cpu_efficiency: float | None
    """CPU time as a share of the wall clock time of the cores that were asked for."""
    memory_efficiency: float | None
    """Memory that was used as a share of what was asked for."""

    @classmethod
    def of(cls, row: submissions.Submission) -> "Submission":
        """Show a row. Pages are made of these: the attributes are put in place without `__init__`."""
        shown = cls.__new__(cls)
        cpus = read_cpus(row.configuration)
        shown.__dict__.update(
            zip(PLAIN, plain(row), strict=True),
            id=node_id("submission", row.id),
            decision_needed=row.decision_needed,
            configuration=fill_stored(row.configuration, row.id),
            consumption=read_consumption(row.configuration),
            output_source=choose_output_source(read_consumption(row.configuration)),
            dataset_name=row.configuration.get("works_on"),
            jobs_total=row.jobs,
            files_total=row.files,
            cpu_efficiency=compute_share(row.cpu_s, row.wall_s * cpus),
            memory_efficiency=compute_share(row.memory_used_mb, row.memory_requested_mb),
            row=row,
        )
        return shown

    @declare_query()
    async def experiment(
        self, info: Info
    ) -> Annotated["Experiment", strawberry.lazy("schema.people.experiments")]:
        """Whose it is."""
        from schema.people.experiments import load_experiment

        return await load_experiment(info, self.row.experiment_id)

    @declare_query()
    async def campaign(
        self, info: Info
    ) -> Annotated["Campaign", strawberry.lazy("schema.campaigns.campaigns")]:
        """The campaign of its stage."""
        from schema.campaigns.campaigns import load_campaign

        return cast(
            "Campaign", await load_campaign(info, self.row.campaign_id)
        )  # a foreign key says so

    @declare_query()
    async def stage(
        self, info: Info
    ) -> Annotated["Stage", strawberry.lazy("schema.campaigns.stages")]:
        """What was launched."""
        from schema.campaigns.stages import load_stage

        shown = await load_stage(info, self.row.stage_id)
        assert shown is not None  # noqa: S101 - a foreign key says so, of the same experiment
        return shown

    @declare_query()
    async def slice(self, info: Info) -> Slice:
        """What it works on."""
        row = await info.context.load.slice.load(self.row.slice_id)
        assert row is not None  # noqa: S101 - a foreign key says so
        return Slice.of(row)

    @declare_query()
    async def created_by(self, info: Info) -> Person:
        """Who launched it, or the recovery's origin."""
        return await load_person(info, self.row.created_by)

    @declare_query()
    async def kicked_by(self, info: Info) -> Person | None:
        """Who made it count as located, if somebody did."""
        return await load_person(info, self.row.kicked_by) if self.row.kicked_by else None

    @declare_query()
    async def origin(self, info: Info) -> "Submission | None":
        """Of a recovery: the submission whose unfinished part it does again."""
        return await load_submission(info, self.row.origin_id)

    @declare_query()
    async def upstream(self, info: Info) -> "Submission | None":
        """The submission whose end launched it."""
        return await load_submission(info, self.row.upstream_id)

    @declare_query()
    async def dependents(self, info: Info) -> "list[Submission]":
        """Submissions that its end launched, oldest first; at most 100."""
        return await list_related(
            info, submission_listings.SubmissionFilter(upstream_id=self.row.id)
        )

    @declare_query()
    async def waiting(
        self, info: Info
    ) -> Annotated["LaunchWait", strawberry.lazy("schema.launching.queue")] | None:
        """Why it has not begun, while it is queued."""
        from schema.launching.queue import build_launch_wait

        return await build_launch_wait(info, self.row)

    @declare_query()
    async def catalog_launch(
        self, info: Info
    ) -> Annotated["CatalogLaunch", strawberry.lazy("schema.launching.catalog_launches")] | None:
        """How the outside catalog that has its files knows it; null: none that gives names has them."""
        from schema.launching.catalog_launches import find_catalog_launch

        return await find_catalog_launch(info, self.row.id)

    @declare_query()
    async def launch_attempts(
        self, info: Info
    ) -> list[Annotated["LaunchAttempt", strawberry.lazy("schema.launching.launch_attempts")]]:
        """Each attempt to hand it to the batch system."""
        from schema.launching.launch_attempts import list_attempts

        return await list_attempts(info, self.row.id)

    @declare_query()
    async def clusters(self, info: Info) -> list[LaunchedCluster]:
        """Where its jobs are: one cluster, or as many as its launch script has submitted so far."""
        rows = await info.context.load.clusters_of.load(self.row.id)
        return [LaunchedCluster.of(row, self.row.jobs) for row in rows]

    @declare_query()
    async def actions(self, info: Info) -> list[JobAction]:
        """What people asked of its jobs."""
        return [JobAction.of(row) for row in await info.context.load.actions_of.load(self.row.id)]

    @declare_query()
    async def uploads(self, info: Info) -> list[Upload]:
        """What its launch script finds in `$UPLOADS`: what who launched it had uploaded until then."""
        return [Upload.of(row) for row in await info.context.load.uploads_of.load(self.row.id)]

    @declare_query()
    async def available_actions(self, info: Info) -> list[SubmissionAction]:
        """What you may ask of it now, and what has a point in its state."""
        may = await may_operate(info, self.row.campaign_id)
        if not may:
            return []
        row = self.row
        return list_available_actions(
            row.state, row.jobs_held, is_archived=row.archived_at is not None
        )

    @declare_query()
    async def jobs(
        self,
        info: Info,
        states: list[JobState] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Job]:
        """Its jobs, by their numbers."""
        return await page_jobs(info, self.row.id, states, ListPart(first, after, last, before))

    @declare_query()
    async def inputs(
        self,
        info: Info,
        delivery: list[Delivery] | None = None,
        outcome: list[Outcome] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[InputFile]:
        """The files that it works on."""
        wanted = outputs.InputsWanted(self.row.id, None, delivery, outcome)
        return await outputs.page_inputs(info, wanted, ListPart(first, after, last, before))

    @declare_query()
    async def outputs(
        self,
        info: Info,
        states: list[OutputState] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[OutputFile]:
        """The files that its jobs made; `states: [DECLARED]` are those that nobody has seen yet."""
        wanted = outputs.OutputsWanted(self.row.id, None, states)
        return await outputs.page_outputs(info, wanted, ListPart(first, after, last, before))

    @declare_query()
    async def links(self, info: Info) -> list[Link]:
        """Where more is known of it, as the experiment's superusers have said (`setExperimentLinks`)."""
        return await list_submission_links(info, self.row)

    @declare_query()
    async def summaries(self, info: Info) -> list[Summary]:
        """What monitors and accounting know of it, as its superusers want it (`setExperimentSummaries`)."""
        return await list_submission_summaries(info, self.row)

    @declare_query()
    async def usage_record(
        self,
        info: Info,
        format: UsageFormat = UsageFormat.GRACC,  # noqa: A002
    ) -> str | None:
        """What its jobs have used that are over, as accounting takes it; null until it is over.

        Its sums are `cpuS`, `wallS` and the numbers of jobs. Its id ends with the submission's revision: of several
        with the same beginning the last counts. Read it again when `changes` tells of the submission.
        """
        return await render_usage(info, self.row, format)

    @declare_query()
    async def history(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Change]:
        """What happened to it, oldest first."""
        return await page_history(info, self.row.id, ListPart(first, after, last, before))


COLUMNS = submissions.Submission.__dataclass_fields__.keys() - {"id", "jobs", "files"}
PLAIN = tuple(name for name in Submission.__annotations__ if name in COLUMNS)
plain = attrgetter(*PLAIN)


async def load_submission(info: Info, submission_id: int | None) -> Submission | None:
    """Show a submission that the viewer may see."""
    row = await info.context.load.submission.load(submission_id) if submission_id else None
    return Submission.of(row) if row and info.context.viewer.sees(row.experiment_id) else None


async def list_related(
    info: Info, wanted: submission_listings.SubmissionFilter
) -> list[Submission]:
    """Show what belongs to a submission that the viewer sees: it is of the same experiment."""
    rows = await submission_listings.list_submissions(
        info.context.db, wanted, None, 100, newest=False
    )
    return list(map(Submission.of, rows))
