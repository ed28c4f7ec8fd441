"""Launching the next slice of a stage, or saying why not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import asyncpg

from db.campaigns import campaigns
from db.files import listings
from db.launching import (
    job_packing,
    launch_approvals,
    launch_plans,
    queue,
    split_queries,
    stage_launch_view,
)
from db.launching.launch_plans import PlannedSubmission
from db.launching.queue import QueuePosition
from db.launching.slice_claims import LaunchRequest, claim_slice
from db.launching.stage_launch_view import StageLaunchView
from db.pool import Connection, Database, begin_transaction
from db.setup import setup_uses, uploads
from db.setup.uploads import Upload
from db.submissions.submissions import Submission
from domain.campaigns.splits.preview import SplitLookahead
from domain.campaigns.splits.queries import TakenSlice
from domain.campaigns.splits.reading import parse_split
from domain.launching.launch_plans import PlanDifference, PlanPart, list_differences
from domain.launching.queue import IfBusy, LaunchBlocker, LaunchWaitKind, QueueFacts, list_blockers
from domain.launching.slice_names import name_dependent_slice
from domain.setup.job_types import Consumption, JobKind, check_script_support
from domain.setup.parameters import CommandError
from domain.submissions import units
from domain.submissions.configuration import NO_DATASET, make_configuration

TRIES = 20
"""How often a lost race is planned again; each loss means that somebody else won one."""


class LaunchRefusal(Enum):
    """Why nothing was launched."""

    BUSY = "busy"
    HELD = "held"
    EXHAUSTED = "exhausted"
    NOTHING_YET = "nothing yet"
    NO_FILES = "no files"
    INACTIVE = "inactive"
    NOT_LAUNCHABLE = "not launchable"
    PLAN_CHANGED = "plan changed"
    PLAN_UNKNOWN = "plan unknown"


@dataclass(frozen=True, slots=True)
class LaunchOutcome:
    """A submission, or why there is none."""

    submission: Submission | None = None
    refusal: LaunchRefusal | None = None
    why: str = ""
    changed: Sequence[PlanDifference] = ()
    """What is not as it was shown."""


async def launch_next(db: Database, stage_id: int, asked: LaunchRequest) -> LaunchOutcome:
    """Take the stage's next slice and make its submission, or say why not; one of racing callers wins.

    A launch by hand lets an inactive campaign launch again, as in POMS.
    """
    try:
        async with begin_transaction(db) as conn:
            woken = asked.is_by_hand and await campaigns.activate_by_launch(
                conn, stage_id, asked.person_id
            )
            outcome = await _launch_locked(conn, stage_id, asked)
            if woken and outcome.submission is None:
                raise _NothingLaunched(outcome)
            return outcome
    except _NothingLaunched as nothing:
        return nothing.outcome


class _NothingLaunched(Exception):
    """A launch that is refused changes nothing: its campaign stays inactive."""

    def __init__(self, outcome: LaunchOutcome) -> None:
        super().__init__(outcome.why)
        self.outcome = outcome


async def _launch_locked(conn: Connection, stage_id: int, asked: LaunchRequest) -> LaunchOutcome:
    facts = await queue.lock_limits(conn, stage_id, QueuePosition(asked.priority), asked.person_id)
    for _ in range(TRIES):
        if outcome := await _try_launch(conn, stage_id, asked, facts):
            return outcome
    return LaunchOutcome(refusal=LaunchRefusal.BUSY, why="Too many launches at once; try again.")


async def _try_launch(
    conn: Connection, stage_id: int, asked: LaunchRequest, facts: QueueFacts
) -> LaunchOutcome | None:
    """What came of it; None when somebody else moved the cursor first."""
    planned = await plan_launch(conn, stage_id, asked)
    if isinstance(planned, LaunchOutcome):
        return planned
    if other := await _check_plan_unchanged(conn, planned, asked):
        return other
    facts = await _add_approval(conn, facts, planned)
    found = list_blockers(facts, len(planned.starts))
    if found and (busy := _build_busy_outcome(found[0], facts, asked)):
        return busy
    try:
        async with begin_transaction(conn):
            submission = await claim_slice(conn, planned, asked, begins=not found)
            if submission is not None:
                taken = [row.id for row in planned.uploads]
                await uploads.record_taken(conn, submission.id, taken)
    except asyncpg.UniqueViolationError as e:
        if e.table_name == "dataset":  # somebody has just called another one so
            return None
        if e.table_name != "live_file":
            raise
        why = "Files of the slice are in another live submission."
        return LaunchOutcome(refusal=LaunchRefusal.BUSY, why=why)
    return LaunchOutcome(submission) if submission else None


async def _add_approval(
    conn: Connection, facts: QueueFacts, planned: PlannedSubmission
) -> QueueFacts:
    """Who has still to agree to what is planned: asked afterwards, it is asked of just this."""
    stage = planned.stage
    lack = await launch_approvals.find_lack(
        conn, stage.campaign_id, stage.campaign_revision, is_test=planned.is_test
    )
    return replace(facts, approval=lack)


def _build_busy_outcome(
    blocker: LaunchBlocker, facts: QueueFacts, asked: LaunchRequest
) -> LaunchOutcome | None:
    """That a launch would have to wait, if it is not to."""
    if asked.if_busy is IfBusy.QUEUE_ONE and facts.waiting:
        why = f"A launch of the stage waits already ({facts.waiting} of them)."
        return LaunchOutcome(refusal=LaunchRefusal.BUSY, why=why)
    if asked.if_busy is not IfBusy.REFUSE:
        return None
    is_held = blocker.kind is LaunchWaitKind.LAUNCH_HOLD
    return LaunchOutcome(
        refusal=LaunchRefusal.HELD if is_held else LaunchRefusal.BUSY, why=blocker.reason
    )


async def plan_launch(
    db: Database, stage_id: int, asked: LaunchRequest
) -> PlannedSubmission | LaunchOutcome:
    """What a launch would take and run now, or why it would do nothing; nothing is taken."""
    stage = await stage_launch_view.find_by_stage(db, stage_id, is_test=asked.is_test)
    if stage is None:
        return LaunchOutcome(refusal=LaunchRefusal.NOT_LAUNCHABLE, why="The stage is gone.")
    if _may_launch_without_dataset(stage, asked):
        asked = replace(asked, dataset_name=NO_DATASET)
    if asked.dataset_name is not None:
        stage = replace(stage, dataset_id=None)
    no = _find_refusal(stage, asked)
    no = await _explain_unlisted(db, stage, no) or no
    taken = no or _take_named_dataset(stage, asked) or await _find_next_slice(db, stage, asked)
    if isinstance(taken, LaunchOutcome):
        return taken
    try:
        taken = replace(taken, parameter=stage.fill_entry(taken.parameter))
        config = make_configuration(
            stage.ingredients(is_test=asked.is_test),
            parameter=taken.parameter,
            person=await stage_launch_view.find_username(db, asked.person_id),
            is_test=asked.is_test,
            works_on=await _choose_slice_name(db, stage, asked),
            whole=stage.name_whole_dataset(is_test=asked.is_test),
        )
    except CommandError as e:
        return LaunchOutcome(refusal=LaunchRefusal.NOT_LAUNCHABLE, why=str(e))
    account = config.login.account if config.login else None
    if refused := await _check_setup_use(db, stage, asked, account):
        return refused
    starts = await job_packing.compute_job_starts(db, stage, taken)
    brought = await _list_uploads(db, stage, asked.person_id)
    return PlannedSubmission(stage, taken, starts, config, asked.is_test, brought)


async def _list_uploads(db: Database, stage: StageLaunchView, person_id: int) -> list[Upload]:
    """What the launch script finds of the person in whose name it runs; no job has any of it."""
    if stage.job_kind is not JobKind.SCRIPT:
        return []
    return await uploads.list_by_person(db, stage.experiment_id, person_id)


def _may_launch_without_dataset(stage: StageLaunchView, asked: LaunchRequest) -> bool:
    """A script that others launch, launched by hand before any of them made something, gets no dataset, as in POMS."""
    is_script = stage.job_kind is JobKind.SCRIPT and stage.consumption is Consumption.EXIT_CODE
    if not (stage.is_fed and is_script and asked.is_by_hand) or stage.head:
        return False
    return parse_split(stage.split_for(is_test=asked.is_test)).name == "none"


async def _choose_slice_name(
    db: Database, stage: StageLaunchView, asked: LaunchRequest
) -> str | None:
    """What the files of the launch will be called; who launches it meanwhile makes this one be planned again."""
    name = stage.name_next_slice(is_test=asked.is_test)
    if name is not None and asked.made_by_upstream is not None:
        name = name_dependent_slice(asked.made_by_upstream, asked.trigger_no or 0)
    return name and await stage_launch_view.choose_free_name(db, stage, name)


async def _check_plan_unchanged(
    db: Database, planned: PlannedSubmission, asked: LaunchRequest
) -> LaunchOutcome | None:
    """That a launch would not be what was shown, if so. What is compared here is what is taken then:
    nothing of it is read again, and a cursor that moves meanwhile is lost to the compare and set."""
    if asked.plan_hash is None:
        return None
    now = await launch_plans.read_parts(db, planned)
    then = await launch_plans.find(db, asked.plan_hash, now[PlanPart.SUBJECT])
    if then is None:
        why = "There is no such plan of this stage, or it has expired: look at a new one."
        return LaunchOutcome(refusal=LaunchRefusal.PLAN_UNKNOWN, why=why)
    if changed := list_differences(then, now):
        named = ", ".join(difference.part for difference in changed)
        why = f"Since the plan was shown this has changed: {named}."
        return LaunchOutcome(refusal=LaunchRefusal.PLAN_CHANGED, why=why, changed=changed)
    return None


def _find_refusal(stage: StageLaunchView, asked: LaunchRequest) -> LaunchOutcome | None:
    """Why nothing can be launched, whatever there is to do."""
    # By hand it is woken; what else comes due waits in the queue until somebody activates it.
    if not stage.active or (stage.campaign_draft and not stage.campaign_active):
        return LaunchOutcome(
            refusal=LaunchRefusal.INACTIVE, why=f"{stage.campaign}/{stage.name} is inactive."
        )
    if stage.kind_can_not_run:
        why = f"Stages of kind {stage.kind} can't be launched yet."
        return LaunchOutcome(refusal=LaunchRefusal.NOT_LAUNCHABLE, why=why)
    if stage.job_kind is JobKind.SCRIPT and (wrong := check_script_support(stage.batch_system)):
        return LaunchOutcome(refusal=LaunchRefusal.NOT_LAUNCHABLE, why=wrong)
    if stage.generates and abs(stage.epoch_for(is_test=asked.is_test)) > units.MOST_EPOCHS:
        why = f"{stage.name} was begun anew {units.MOST_EPOCHS} times, its runs are used up: make another stage."
        return LaunchOutcome(refusal=LaunchRefusal.NOT_LAUNCHABLE, why=why)
    if not stage.generates and not stage.head:
        return LaunchOutcome(
            refusal=LaunchRefusal.NO_FILES, why=f"{stage.name} has no files to work on."
        )
    return None


async def _explain_unlisted(
    db: Database, stage: StageLaunchView, no: LaunchOutcome | None
) -> LaunchOutcome | None:
    """That there are no files since their catalog was not asked yet, or does not answer: there may be some."""
    if no is None or no.refusal is not LaunchRefusal.NO_FILES or stage.dataset_id is None:
        return None
    why = await listings.explain_unlisted(db, stage.dataset_id)
    text = f"{stage.name} waits: {why}."
    return LaunchOutcome(refusal=LaunchRefusal.NOTHING_YET, why=text) if why else None


async def _check_setup_use(
    db: Database, stage: StageLaunchView, asked: LaunchRequest, account: str | None
) -> LaunchOutcome | None:
    """That the stage must not use its login setup. What follows from others is made all the same, and waits."""
    if asked.upstream_id is not None:
        return None
    why = await setup_uses.explain_stage_refusal(db, stage.id, account)
    return LaunchOutcome(refusal=LaunchRefusal.NOT_LAUNCHABLE, why=why) if why else None


def _take_named_dataset(
    stage: StageLaunchView, asked: LaunchRequest
) -> TakenSlice | LaunchOutcome | None:
    """One unit for a dataset that only a launch script can look up; no split has a say in it."""
    if asked.dataset_name is None:
        return None
    if stage.job_kind is not JobKind.SCRIPT:
        why = f"What {stage.name} would work on is not known here: the stage before it tells no outputs."
        return LaunchOutcome(refusal=LaunchRefusal.NO_FILES, why=why)
    index, cursor = stage.split_seq, stage.cursor_for(is_test=asked.is_test)
    return TakenSlice(index, index + 1, cursor, asked.dataset_name, exclusive=False)


async def _find_next_slice(
    db: Database, stage: StageLaunchView, asked: LaunchRequest
) -> TakenSlice | LaunchOutcome:
    """The next slice, or that there is none."""
    split = parse_split(stage.split_for(is_test=asked.is_test))
    where = await split_queries.read_scope(db, stage, is_test=asked.is_test)
    ahead = SplitLookahead(int(stage.cursor_for(is_test=asked.is_test)), stage.source)
    if taken := await split_queries.find_next_slice(db, where, split, ahead, []):
        return taken
    left_out = (
        f" {where.missing} files are left out: their catalog has them no more, or otherwise."
        if where.missing
        else ""
    )
    if split.waits:
        why = f"{stage.name} has nothing to do yet: {split.name} may find more later.{left_out}"
        return LaunchOutcome(refusal=LaunchRefusal.NOTHING_YET, why=why)
    return LaunchOutcome(
        refusal=LaunchRefusal.EXHAUSTED, why=f"{stage.name} has no more slices.{left_out}"
    )
