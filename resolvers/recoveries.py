"""Recoveries by hand: shown first, and then exactly what was shown."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import strawberry

from db import families, launch_plans, recoveries, tries
from db import submissions as rows
from db.pool import Connection
from db.recoveries import FilesTaken, Plan, Ready
from db.submissions import Submission as Row
from db.tries import Made
from domain import findings
from domain.actions import SubmissionAction, possible
from domain.launch_plans import Parts, PlanPart, differences
from domain.names import wrong_text
from domain.recovery import Worth, entry
from door.describe import thing
from resolvers.launches import MOST_HASH, permitted
from resolvers.once import Ask, Done, once
from schema import ids
from schema.context import Info
from schema.fields import changes, reads
from schema.launching import (
    NothingToLaunch,
    NotLaunchable,
    NotPossibleNow,
    PlanChanged,
    PlanUnknown,
    StageBusy,
)
from schema.parameters import RecoveryInput
from schema.problems import Invalid, NotFound
from schema.recoveries import LaunchRecoveryResult, PlanRecoveryResult, RecoveryPlan
from schema.submissions import Submission

Stored = Mapping[str, Any]
"""A recovery as a stage keeps it."""
Refused = StageBusy | NothingToLaunch | NotLaunchable | NotPossibleNow | PlanChanged


async def visible(info: Info, id: strawberry.ID) -> Row | NotFound:
    """The submission that is meant, if the viewer may see it."""
    key = ids.number(id, "submission")
    row = await info.context.load.submission.load(key) if key else None
    if row is None or not info.context.viewer.sees(row.experiment_id):
        return NotFound(message=f"There is no submission {id[:50]!r}.")
    return row


def chosen(row: Row, given: RecoveryInput | None, position: int | None) -> Stored | Invalid:
    """The recovery that is meant: one that is given, or one of the submission's own list."""
    listed = row.configuration["recoveries"]
    if (given is None) == (position is None):
        return Invalid(message="Give either a recovery or a position.", field="recovery")
    if given is None:
        if position is None or not 0 <= position < len(listed):
            return Invalid(message=f"Its list has {len(listed)} recoveries.", field="position")
        return cast(Stored, listed[position])
    for wrong in findings.recoveries("recovery", [given.plain]):
        return Invalid(message=wrong.message, field="recovery")
    return given.plain


def over(family: Sequence[Row]) -> NotPossibleNow | None:
    """Nothing is recovered while a part of it still runs."""
    for member in family:
        if not possible(SubmissionAction.RECOVER, member.state, member.jobs_held):
            message = f"Submission {member.id} is {member.state}: recover when it is over."
            return NotPossibleNow(message=message, state=member.state)
    return None


def parts(ready: Ready, plan: Plan, stored: Stored) -> Parts:
    """All that decides what the recovery would run."""
    return {
        PlanPart.SUBJECT: {"submission": ready.origin.id},
        PlanPart.REVISION: {"campaign": ready.stage.campaign_revision},
        PlanPart.CURSOR: {"revisions": {str(one.id): one.revision for one in ready.family}},
        PlanPart.FILES: {"taken": plan.taken, "jobs": plan.jobs, "hash": plan.hash},
        PlanPart.COMMAND: {"recovery": dict(stored), **ready.configuration},
        PlanPart.LIMITS: {"most_unfinished": ready.stage.most_unfinished},
    }


async def launched(conn: Connection, origin_id: int, then: Parts, person_id: int) -> Row | Refused:
    """Launch what was shown, in the transaction that holds the family's lock, or say what keeps it."""
    family = await families.lock(conn, origin_id)
    stored = cast(Stored, then[PlanPart.COMMAND]["recovery"])
    ready = await recoveries.prepare(conn, family, entry(stored))
    if no := over(family):
        return no
    if not isinstance(ready, Ready):
        return NotLaunchable(message=ready)
    plan = await recoveries.plan(conn, ready)
    if changed := differences(then, parts(ready, plan, stored)):
        return PlanChanged.of("Something has changed since this was shown.", changed)
    try:
        made = await recoveries.launch(conn, ready, None, person_id)
    except FilesTaken:
        return StageBusy(message="Files of it have just gone into another live submission.")
    if made is None:
        return NothingToLaunch(message="There is nothing that this recovery would take.")
    what = Made(Worth.LAUNCH, plan.taken, plan.everything, made.id, person_id)
    await tries.note(conn, origin_id, ready.entry.kind, None, what)
    await tries.ask(conn, origin_id, "")
    return made


@thing
class RecoveryQueries:
    """Looking at recoveries."""

    @reads()
    async def plan_recovery(
        self,
        info: Info,
        submission_id: strawberry.ID,
        recovery: RecoveryInput | None = None,
        position: int | None = None,
    ) -> PlanRecoveryResult:
        """What a recovery of a submission would do now: of any type, or (by its position, from 0) of its list.

        Counted is the submission with all its recoveries: of each file the newest that has it says what
        became of it. Nothing happens.
        """
        row = await visible(info, submission_id)
        if isinstance(row, NotFound):
            return row
        stored = chosen(row, recovery, position)
        if isinstance(stored, Invalid):
            return stored
        db = info.context.db
        family = await families.members(db, row.family)
        ready = await recoveries.prepare(db, family, entry(stored))
        if no := over(family):
            return no
        if not isinstance(ready, Ready):
            return NotLaunchable(message=ready)
        plan = await recoveries.plan(db, ready)
        kept = await launch_plans.keep(db, parts(ready, plan, stored))
        return RecoveryPlan.of(ready, plan, kept)


@thing
class RecoveryMutations:
    """Launching recoveries."""

    @changes("launch")
    async def launch_recovery(
        self,
        info: Info,
        submission_id: strawberry.ID,
        plan_hash: str,
        idempotency_key: str | None = None,
    ) -> LaunchRecoveryResult:
        """Launch exactly what `planRecovery` showed, or say what has changed since.

        What is launched by hand is outside of the stage's list: no entry of it follows by itself.
        """
        row = await visible(info, submission_id)
        if isinstance(row, NotFound):
            return row
        campaign = await info.context.load.campaign.load(row.campaign_id)
        if no := await permitted(info, campaign, f"submission {submission_id[:50]!r}"):
            return no
        if wrong_text(plan_hash, MOST_HASH):
            return PlanUnknown(message="A plan's hash is what planRecovery says.")
        return await launch(info, row.family, plan_hash, idempotency_key)


async def launch(info: Info, origin_id: int, name: str, key: str | None) -> LaunchRecoveryResult:
    """Do it once, and hand the new submission to the workers after the commit."""
    person_id = info.context.viewer.person_id

    async def effect(conn: Connection) -> str | Refused | PlanUnknown:
        then = await launch_plans.find(conn, name, {"submission": origin_id})
        if then is None:
            return PlanUnknown(message="Nothing of that hash was shown in the last hour.")
        made = await launched(conn, origin_id, then, person_id)
        return str(made.id) if isinstance(made, Row) else made

    done = await once(info, Ask("launchRecovery", key, [origin_id, name]), effect)
    if not isinstance(done, Done):
        return cast(LaunchRecoveryResult, done)
    made = await rows.by_id(info.context.db, int(done.result))
    assert made is not None  # noqa: S101 - submissions stay
    if not done.again:
        await info.context.enqueue("launch", made.id, made.launch_attempt + 1)
    return Submission.of(made)
