"""Launching the next slice of a stage, or saying why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import asyncpg

from db import divisions, launch_plans, launchables, looks, queue
from db.launch_plans import Planned
from db.launchables import Launchable
from db.pool import Connection, Database, atomic
from db.queue import Place
from db.submissions import Submission
from db.taking import Asked, take
from domain import splits, units
from domain.configuration import configuration
from domain.job_types import JobKind, wrong_for_scripts
from domain.launch_plans import Difference, PlanPart, differences
from domain.parameters import UnknownKeyword
from domain.queue import Blocker, Facts, IfBusy, WaitingKind, blockers

TRIES = 20
"""How often a lost race is planned again; each loss means that somebody else won one."""


class Refusal(Enum):
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
class Outcome:
    """A submission, or why there is none."""

    submission: Submission | None = None
    refusal: Refusal | None = None
    why: str = ""
    changed: Sequence[Difference] = ()
    """What is not as it was shown."""


async def launch_next(db: Database, stage_id: int, asked: Asked) -> Outcome:
    """Take the stage's next slice and make its submission, or say why not; one of racing callers wins."""
    async with atomic(db) as conn:
        facts = await queue.look(conn, stage_id, Place(asked.priority))
        for _ in range(TRIES):
            if outcome := await _try(conn, stage_id, asked, facts):
                return outcome
    return Outcome(refusal=Refusal.BUSY, why="Too many launches at once; try again.")


async def _try(conn: Connection, stage_id: int, asked: Asked, facts: Facts) -> Outcome | None:
    """What came of it; None when somebody else moved the cursor first."""
    planned = await plan(conn, stage_id, asked)
    if isinstance(planned, Outcome):
        return planned
    if other := await _other_than_shown(conn, planned, asked):
        return other
    found = blockers(facts, len(planned.starts))
    if found and (busy := _busy(found[0], facts, asked)):
        return busy
    try:
        async with atomic(conn):
            submission = await take(conn, planned, asked, begins=not found)
    except asyncpg.UniqueViolationError as e:
        if e.table_name != "live_file":
            raise
        why = "Files of the slice are in another live submission."
        return Outcome(refusal=Refusal.BUSY, why=why)
    return Outcome(submission) if submission else None


def _busy(blocker: Blocker, facts: Facts, asked: Asked) -> Outcome | None:
    """That a launch would have to wait, if it is not to."""
    if asked.if_busy is IfBusy.QUEUE_ONE and facts.waiting:
        why = f"A launch of the stage waits already ({facts.waiting} of them)."
        return Outcome(refusal=Refusal.BUSY, why=why)
    if asked.if_busy is not IfBusy.REFUSE:
        return None
    is_held = blocker.kind is WaitingKind.LAUNCH_HOLD
    return Outcome(refusal=Refusal.HELD if is_held else Refusal.BUSY, why=blocker.reason)


async def plan(db: Database, stage_id: int, asked: Asked) -> Planned | Outcome:
    """What a launch would take and run now, or why it would do nothing; nothing is taken."""
    stage = await launchables.by_stage(db, stage_id, is_test=asked.is_test)
    if stage is None:
        return Outcome(refusal=Refusal.NOT_LAUNCHABLE, why="The stage is gone.")
    taken = _refusal(stage, asked) or await _next(db, stage, asked)
    if isinstance(taken, Outcome):
        return taken
    try:
        config = configuration(
            stage.ingredients(is_test=asked.is_test),
            parameter=taken.parameter,
            person=await launchables.username(db, asked.person_id),
            is_test=asked.is_test,
        )
    except UnknownKeyword as e:
        return Outcome(refusal=Refusal.NOT_LAUNCHABLE, why=str(e))
    return Planned(stage, taken, await divisions.starts(db, stage, taken), config, asked.is_test)


async def _other_than_shown(db: Database, planned: Planned, asked: Asked) -> Outcome | None:
    """That a launch would not be what was shown, if so. What is compared here is what is taken then:
    nothing of it is read again, and a cursor that moves meanwhile is lost to the compare and set."""
    if asked.plan_hash is None:
        return None
    now = await launch_plans.parts(db, planned)
    then = await launch_plans.find(db, asked.plan_hash, now[PlanPart.SUBJECT])
    if then is None:
        why = "There is no such plan of this stage, or it has expired: look at a new one."
        return Outcome(refusal=Refusal.PLAN_UNKNOWN, why=why)
    if changed := differences(then, now):
        named = ", ".join(difference.part for difference in changed)
        why = f"Since the plan was shown this has changed: {named}."
        return Outcome(refusal=Refusal.PLAN_CHANGED, why=why, changed=changed)
    return None


def _refusal(stage: Launchable, asked: Asked) -> Outcome | None:
    """Why nothing can be launched, whatever there is to do."""
    if not (stage.active and stage.campaign_active):
        return Outcome(refusal=Refusal.INACTIVE, why=f"{stage.campaign}/{stage.name} is inactive.")
    if stage.kind_can_not_run:
        why = f"Stages of kind {stage.kind} can't be launched yet."
        return Outcome(refusal=Refusal.NOT_LAUNCHABLE, why=why)
    if stage.job_kind is JobKind.SCRIPT and (wrong := wrong_for_scripts(stage.batch_system)):
        return Outcome(refusal=Refusal.NOT_LAUNCHABLE, why=wrong)
    if stage.generates and abs(stage.epoch_for(is_test=asked.is_test)) > units.MOST_EPOCHS:
        why = f"{stage.name} was begun anew {units.MOST_EPOCHS} times, its runs are used up: make another stage."
        return Outcome(refusal=Refusal.NOT_LAUNCHABLE, why=why)
    if not stage.generates and not stage.head:
        return Outcome(refusal=Refusal.NO_FILES, why=f"{stage.name} has no files to work on.")
    return None


async def _next(db: Database, stage: Launchable, asked: Asked) -> splits.Taken | Outcome:
    """The next slice, or that there is none."""
    split = splits.parse(stage.split_for(is_test=asked.is_test))
    where = looks.where_of(stage, is_test=asked.is_test)
    steps = splits.next_slice(split, stage.cursor_for(is_test=asked.is_test), stage.source)
    if taken := await looks.follow(db, where, steps):
        return taken
    if split.waits:
        why = f"{stage.name} has nothing to do yet: {split.name} may find more later."
        return Outcome(refusal=Refusal.NOTHING_YET, why=why)
    return Outcome(refusal=Refusal.EXHAUSTED, why=f"{stage.name} has no more slices.")
