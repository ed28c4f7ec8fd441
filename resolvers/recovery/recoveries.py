"""Recoveries by hand: shown first, and then exactly what was shown."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import strawberry

from db.launching import launch_plans
from db.pool import Connection
from db.recovery import recoveries, recovery_attempts
from db.recovery.recoveries import FilesTaken, PlannedRecovery, PreparedRecovery
from db.recovery.recovery_attempts import RecoveryOutcome
from db.setup import setup_uses
from db.submissions import decisions, recovery_chain
from db.submissions.submissions import Submission as Row
from domain.changes import Actor
from domain.launching.launch_plans import Parts, PlanPart, list_differences
from domain.names import check_text
from domain.recovery.recovery_decisions import RecoveryDecision
from domain.setup.recovery_rules import check_recovery_rules, read_recovery_rule
from domain.submissions.actions import SubmissionAction, is_possible
from door.describe import declare_object_type
from resolvers.launching.launches import MOST_HASH, launch_soon
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nouns import SUBMISSION, find_allowed, find_visible
from resolvers.submissions.submissions import report_not_possible
from schema.context import Info
from schema.fields import declare_query
from schema.launching.launch_results import (
    NothingToLaunch,
    NotLaunchable,
    PlanChanged,
    PlanUnknown,
    StageBusy,
)
from schema.problems import Invalid, NotFound, NotPermitted
from schema.recovery.recoveries import LaunchRecoveryResult, PlanRecoveryResult, RecoveryPlan
from schema.setup.parameters import RecoveryInput
from schema.submissions.operation_results import NotPossibleNow
from schema.submissions.submissions import Submission

Stored = Mapping[str, Any]
"""A recovery as a stage keeps it."""
Refused = StageBusy | NothingToLaunch | NotLaunchable | NotPossibleNow | PlanChanged


def choose_recovery(
    row: Row, given: RecoveryInput | None, position: int | None
) -> Stored | Invalid:
    """The recovery that is meant: one that is given, or one of the submission's own list."""
    listed = row.runs_with.recoveries
    if (given is None) == (position is None):
        return Invalid(message="Give either a recovery or a position.", field="recovery")
    if given is None:
        if position is None or not 0 <= position < len(listed):
            return Invalid(message=f"Its list has {len(listed)} recoveries.", field="position")
        return listed[position]
    for wrong in check_recovery_rules("recovery", [given.plain]):
        return Invalid(message=wrong.message, field="recovery")
    return given.plain


def check_family_over(family: Sequence[Row]) -> NotPossibleNow | None:
    """Nothing is recovered while a part of it still runs."""
    for member in family:
        if member.archived_at is not None:
            return report_not_possible(SubmissionAction.RECOVER, member)
        if not is_possible(SubmissionAction.RECOVER, member.state, member.jobs_held):
            message = f"Submission {member.id} is {member.state}: recover when it is over."
            return NotPossibleNow(message=message, state=member.state)
    return None


def build_plan_parts(ready: PreparedRecovery, plan: PlannedRecovery, stored: Stored) -> Parts:
    """All that decides what the recovery would run."""
    return {
        PlanPart.SUBJECT: {"submission": ready.origin.id},
        PlanPart.REVISION: {"campaign": ready.stage.campaign_revision},
        PlanPart.CURSOR: {"revisions": {str(one.id): one.revision for one in ready.family}},
        PlanPart.FILES: {"taken_count": plan.files_taken, "jobs": plan.jobs, "hash": plan.hash},
        PlanPart.COMMAND: {"recovery": dict(stored), **ready.configuration.to_json()},
        PlanPart.LIMITS: {"most_unfinished": ready.stage.most_unfinished},
    }


async def launch_shown(
    conn: Connection, origin_id: int, then: Parts, person_id: int
) -> Row | Refused:
    """Launch what was shown, in the transaction that holds the family's lock, or say what keeps it."""
    family = await recovery_chain.lock_members(conn, origin_id)
    stored = cast(Stored, then[PlanPart.COMMAND]["recovery"])
    ready = await recoveries.prepare_recovery(conn, family, read_recovery_rule(stored))
    if no := check_family_over(family):
        return no
    if not isinstance(ready, PreparedRecovery):
        return NotLaunchable(message=ready)
    if why := await setup_uses.explain_stage_refusal(conn, ready.stage.id):
        return NotLaunchable(message=why)
    plan = await recoveries.plan_recovery(conn, ready)
    if changed := list_differences(then, build_plan_parts(ready, plan, stored)):
        return PlanChanged.of("Something has changed since this was shown.", changed)
    try:
        made = await recoveries.launch_recovery(conn, ready, None, person_id)
    except FilesTaken:
        return StageBusy(message="Files of it have just gone into another live submission.")
    if made is None:
        return NothingToLaunch(message="There is nothing that this recovery would take.")
    outcome = RecoveryOutcome(
        RecoveryDecision.LAUNCH, plan.files_taken, plan.everything, made.id, person_id
    )
    await recovery_attempts.record(conn, origin_id, ready.entry.kind, None, outcome)
    for member in family:
        await decisions.ask_person(conn, member.id, "", Actor(person_id))
    return made


@declare_object_type
class RecoveryQueries:
    """Looking at recoveries."""

    @declare_query(weight=1000)
    async def plan_recovery(
        self,
        info: Info,
        id: strawberry.ID,
        recovery: RecoveryInput | None = None,
        position: int | None = None,
    ) -> PlanRecoveryResult:
        """What a recovery of a submission would do now: of any type, or (by its position, from 0) of its list.

        Counted is the submission with all its recoveries: of each file the newest that has it says what
        became of it. Nothing happens.
        """
        row = await find_visible(info, SUBMISSION, id)
        if isinstance(row, NotFound):
            return row
        stored = choose_recovery(row, recovery, position)
        if isinstance(stored, Invalid):
            return stored
        db = info.context.db
        family = await recovery_chain.list_members(db, row.family)
        ready = await recoveries.prepare_recovery(db, family, read_recovery_rule(stored))
        if no := check_family_over(family):
            return no
        if not isinstance(ready, PreparedRecovery):
            return NotLaunchable(message=ready)
        if why := await setup_uses.explain_stage_refusal(db, ready.stage.id):
            return NotLaunchable(message=why)
        plan = await recoveries.plan_recovery(db, ready)
        kept = await launch_plans.keep_plan(db, build_plan_parts(ready, plan, stored))
        return RecoveryPlan.of(ready, plan, kept)


@declare_object_type
class RecoveryMutations:
    """Launching recoveries."""

    @declare_mutation("launch")
    async def launch_recovery(
        self, info: Info, id: strawberry.ID, plan_hash: str
    ) -> LaunchRecoveryResult:
        """Launch exactly what `planRecovery` showed, or say what has changed since.

        What is launched by hand is outside of the stage's list: no entry of it follows by itself.
        """
        row = await find_allowed(info, SUBMISSION, id, "launch")
        if isinstance(row, NotFound | NotPermitted):
            return row
        if check_text(plan_hash, MOST_HASH):
            return PlanUnknown(message="A plan's hash is what planRecovery says.")
        conn = await begin_change()
        then = await launch_plans.find(conn, plan_hash, {"submission": row.family})
        if then is None:
            return PlanUnknown(message="Nothing of that hash was shown in the last hour.")
        made = await launch_shown(conn, row.family, then, info.context.viewer.person_id)
        if not isinstance(made, Row):
            return made
        launch_soon(info, [made])
        return Submission.of(made)
