"""Submissions, as a client sees them."""

from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

from db import listings, submissions
from domain.actions import SubmissionAction, available
from domain.files import Delivery, Outcome, OutputState
from domain.jobs import JobState
from domain.submissions import SubmissionState
from door.describe import thing
from door.pages import Connection, Node
from schema import outputs
from schema.context import Info
from schema.fields import reads
from schema.ids import made
from schema.jobs import Job, jobs_page
from schema.launches import ActionAsked, LaunchAttempt, LaunchedCluster, Slice
from schema.lists import Part
from schema.numbers import BigInt
from schema.operating import may_operate
from schema.outputs import Input, Output
from schema.people import Person, person
from schema.progress import share
from schema.queue import Waiting, waiting
from schema.told import Told, history_page
from schema.undone import Undone

if TYPE_CHECKING:
    from schema.campaigns import Campaign
    from schema.experiments import Experiment
    from schema.stages import Stage


@thing
class Submission(Undone, Node):
    """One launch of one stage on one slice."""

    state: SubmissionState
    """Where it is."""
    state_since: datetime
    """Since when it is there."""
    revision: BigInt
    """Grows with each change that is told."""
    reason: str
    """Why it is in this state, where that needs saying."""
    asks: str
    """What somebody has to decide about it: no recovery of its list does so by itself."""
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
    batch_system: str
    """Where its jobs run."""
    priority: int
    """The higher begins and runs first."""
    configuration: JSON
    """Exactly what it ran with."""
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
        cpus = (row.configuration.get("resources") or {}).get("cpus") or 1
        shown.__dict__.update(
            zip(PLAIN, plain(row), strict=True),
            id=made("submission", row.id),
            jobs_total=row.jobs,
            files_total=row.files,
            cpu_efficiency=share(row.cpu_s, row.wall_s * cpus),
            memory_efficiency=share(row.memory_used_mb, row.memory_requested_mb),
            row=row,
        )
        return shown

    @reads()
    async def experiment(
        self, info: Info
    ) -> Annotated["Experiment", strawberry.lazy("schema.experiments")]:
        """Whose it is."""
        from schema.experiments import experiment

        return await experiment(info, self.row.experiment_id)

    @reads()
    async def campaign(
        self, info: Info
    ) -> Annotated["Campaign", strawberry.lazy("schema.campaigns")]:
        """The campaign of its stage."""
        from schema.campaigns import campaign

        shown = await campaign(info, self.row.campaign_id)
        assert shown is not None  # noqa: S101 - a foreign key says so, of the same experiment
        return shown

    @reads()
    async def stage(self, info: Info) -> Annotated["Stage", strawberry.lazy("schema.stages")]:
        """What was launched."""
        from schema.stages import stage

        shown = await stage(info, self.row.stage_id)
        assert shown is not None  # noqa: S101 - a foreign key says so, of the same experiment
        return shown

    @reads()
    async def slice(self, info: Info) -> Slice:
        """What it works on."""
        row = await info.context.load.slice.load(self.row.slice_id)
        assert row is not None  # noqa: S101 - a foreign key says so
        return Slice.of(row)

    @reads()
    async def created_by(self, info: Info) -> Person:
        """Who launched it, or the recovery's origin."""
        return await person(info, self.row.created_by)

    @reads()
    async def kicked_by(self, info: Info) -> Person | None:
        """Who made it count as located, if somebody did."""
        return await person(info, self.row.kicked_by) if self.row.kicked_by else None

    @reads()
    async def origin(self, info: Info) -> "Submission | None":
        """Of a recovery: the submission whose unfinished part it does again."""
        return await found(info, self.row.origin_id)

    @reads()
    async def upstream(self, info: Info) -> "Submission | None":
        """The submission whose end launched it."""
        return await found(info, self.row.upstream_id)

    @reads()
    async def dependents(self, info: Info) -> "list[Submission]":
        """Submissions that its end launched, oldest first; at most 100."""
        return await related(info, listings.Wanted(upstream_id=self.row.id))

    @reads()
    async def waiting(self, info: Info) -> Waiting | None:
        """Why it has not begun, while it is queued."""
        return await waiting(info, self.row)

    @reads()
    async def launch_attempts(self, info: Info) -> list[LaunchAttempt]:
        """Each attempt to hand it to the batch system."""
        rows = await info.context.load.launch_attempts_of.load(self.row.id)
        return [LaunchAttempt.of(row) for row in rows]

    @reads()
    async def clusters(self, info: Info) -> list[LaunchedCluster]:
        """Where its jobs are: one cluster, or as many as its launch script has submitted so far."""
        rows = await info.context.load.clusters_of.load(self.row.id)
        return [LaunchedCluster.of(row, self.row.jobs) for row in rows]

    @reads()
    async def actions(self, info: Info) -> list[ActionAsked]:
        """What people asked of its jobs."""
        return [ActionAsked.of(row) for row in await info.context.load.actions_of.load(self.row.id)]

    @reads()
    async def available_actions(self, info: Info) -> list[SubmissionAction]:
        """What you may ask of it now, and what has a point in its state."""
        if not await may_operate(info, self.row.campaign_id):
            return []
        return available(self.row.state, self.row.jobs_held)

    @reads()
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
        return await jobs_page(info, self.row.id, states, Part(first, after, last, before))

    @reads()
    async def inputs(
        self,
        info: Info,
        delivery: list[Delivery] | None = None,
        outcome: list[Outcome] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Input]:
        """The files that it works on."""
        wanted = outputs.InputsWanted(self.row.id, None, delivery, outcome)
        return await outputs.inputs_page(info, wanted, Part(first, after, last, before))

    @reads()
    async def outputs(
        self,
        info: Info,
        states: list[OutputState] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Output]:
        """The files that its jobs made; `states: [DECLARED]` are those that nobody has seen yet."""
        wanted = outputs.OutputsWanted(self.row.id, None, states)
        return await outputs.outputs_page(info, wanted, Part(first, after, last, before))

    @reads()
    async def history(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Told]:
        """What happened to it, oldest first."""
        return await history_page(info, self.row.id, Part(first, after, last, before))


COLUMNS = submissions.Submission.__dataclass_fields__.keys() - {"id", "jobs", "files"}
PLAIN = tuple(name for name in Submission.__annotations__ if name in COLUMNS)
plain = attrgetter(*PLAIN)


async def found(info: Info, submission_id: int | None) -> Submission | None:
    """Show a submission that the viewer may see."""
    row = await info.context.load.submission.load(submission_id) if submission_id else None
    return Submission.of(row) if row and info.context.viewer.sees(row.experiment_id) else None


async def related(info: Info, wanted: listings.Wanted) -> list[Submission]:
    """Show what belongs to a submission that the viewer sees: it is of the same experiment."""
    rows = await listings.submissions(info.context.db, wanted, None, 100, newest=False)
    return [Submission.of(row) for row in rows]
