"""Taking the next slice of a stage: the cursor's move and the submission that comes of it, or neither."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import asyncpg

from db import divisions, launch_plans, launchables, looks
from db.launch_plans import Planned
from db.launchables import Launchable
from db.pool import Database, one, savepoint
from db.submissions import COLUMNS, TELL, Submission
from domain import splits, units
from domain.configuration import configuration
from domain.launch_plans import Difference, PlanPart, differences
from domain.parameters import UnknownKeyword

TRIES = 20
"""How often a lost race is planned again; each loss means that somebody else won one."""


class Refusal(Enum):
    """Why nothing was launched."""

    BUSY = "busy"
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


@dataclass(frozen=True, slots=True)
class Asked:
    """Who wants a launch, and for what."""

    person_id: int
    is_test: bool = False
    may_queue: bool = False
    """At the stage's limit: queue the submission, rather than refuse it."""
    upstream_id: int | None = None
    dependency_id: int | None = None
    trigger_no: int | None = None
    plan_hash: str | None = None
    """Launch exactly what was shown under it, or nothing."""


# The compare and set comes first, and everything else is made FROM it: no row taken, nothing made. A slice by a
# range keeps it ($8 to below $9), one by a key lists its files, one that may come again keeps neither. $20 has
# the place of each job's first file.
TAKE = (
    """
    WITH taken AS (
        UPDATE stage
           SET cursor      = CASE WHEN $3 THEN cursor ELSE $4 END,
               test_cursor = CASE WHEN $3 THEN $4 ELSE test_cursor END,
               slices      = slices + CASE WHEN $3 THEN 0 ELSE 1 END,
               split_seq   = split_seq + 1,
               unfinished  = unfinished
                             + CASE WHEN most_unfinished IS NULL OR unfinished < most_unfinished THEN 1 ELSE 0 END
         WHERE id = $1 AND split_seq = $2 AND active
           AND ($5 OR most_unfinished IS NULL OR unfinished < most_unfinished)
        RETURNING id, experiment_id, campaign_id, batch_system,
                  CASE WHEN $3 THEN test_epoch ELSE epoch END AS epoch,
                  CASE WHEN $3 THEN old.test_cursor ELSE old.cursor END AS was,
                  CASE WHEN $3 THEN split_seq ELSE slices END AS number,
                  new.unfinished > old.unfinished AS counted
    ), snapshot AS (
        INSERT INTO snapshot (dataset_id, head)
        SELECT $6::bigint, $7::bigint FROM taken WHERE $6::bigint IS NOT NULL
            ON CONFLICT (dataset_id, head) DO UPDATE SET head = excluded.head
        RETURNING id
    ), slice AS (
        INSERT INTO slice (stage_id, epoch, number, snapshot_id, ordinals, parameter, cursor, key)
        SELECT taken.id, epoch, number, snapshot.id, CASE WHEN $8::bigint < $9::bigint THEN int8range($8, $9) END,
               $10, was, $19
          FROM taken LEFT JOIN snapshot ON true
        RETURNING id, epoch
    ), moved AS (
        INSERT INTO submission (experiment_id, campaign_id, stage_id, slice_id, campaign_revision, is_test, state,
                                created_by, upstream_id, dependency_id, trigger_no, batch_system, configuration,
                                counted, jobs, jobs_idle, files, files_waiting)
        SELECT experiment_id, campaign_id, taken.id, slice.id, $11, $3,
               CASE WHEN counted THEN 'new' ELSE 'queued' END::submission_state,
               $12, $13, $14, $15, batch_system, $16, counted, $17, $17, $18, $18
          FROM taken, slice
        RETURNING *
    ), told AS ("""
    + TELL
    + "),"
)

MAKE = f"""
    unit AS (
        INSERT INTO work_unit (submission_id, number, files, bytes, events, parameter, first_submission_id,
                               first_number)
        SELECT id, number, count(*), sum(size), sum(events), $10, id, number FROM sliced GROUP BY id, number
    ), input AS (
        INSERT INTO input_file (submission_id, number, file_id) SELECT id, number, file_id FROM sliced
    ), live AS (
        INSERT INTO live_file (stage_id, is_test, file_id, submission_id)
        SELECT moved.stage_id, moved.is_test, sliced.file_id, moved.id FROM moved, sliced
    ), job AS (
        INSERT INTO job (submission_id, number) SELECT id, n FROM moved, generate_series(1, $17::int) n
    )
    SELECT {COLUMNS} FROM moved
"""

RANGE = (
    TAKE
    + """
    sliced AS (
        SELECT moved.id, width_bucket(d.ordinal - $21::bigint, $20::bigint[]) AS number, d.file_id, f.size, f.events
          FROM moved, dataset_file d JOIN file f ON f.id = d.file_id
         WHERE d.dataset_id = $6 AND d.ordinal >= $21 AND d.ordinal < $22::bigint
    ),"""
    + MAKE
)

LISTED = (
    TAKE
    + """
    sliced AS (
        SELECT moved.id, width_bucket(x.place - 1, $20::bigint[]) AS number, d.file_id, f.size, f.events, x.place
          FROM moved, unnest($21::bigint[]) WITH ORDINALITY AS x (ordinal, place)
          JOIN dataset_file d ON d.dataset_id = $6 AND d.ordinal = x.ordinal
          JOIN file f ON f.id = d.file_id
    ), listed AS (
        INSERT INTO slice_file (stage_id, epoch, file_id, slice_id, place)
        SELECT moved.stage_id, slice.epoch, sliced.file_id, slice.id, sliced.place FROM moved, slice, sliced
    ),"""
    + MAKE
)

UNITS = (
    TAKE
    + f"""
    unit AS (
        INSERT INTO work_unit (submission_id, number, parameter, index, seed, run, subrun, first_event, events,
                               first_submission_id, first_number)
        SELECT moved.id, u.number, $10, u.index, u.seed, u.run, u.subrun, u.first_event, u.events, moved.id, u.number
          FROM moved, unnest($20::bigint[], $21::bigint[], $22::int[], $23::int[], $24::bigint[], $25::bigint[])
               WITH ORDINALITY AS u (index, seed, run, subrun, first_event, events, number)
    ), job AS (
        INSERT INTO job (submission_id, number) SELECT id, n FROM moved, generate_series(1, $17::int) n
    )
    SELECT {COLUMNS} FROM moved
"""
)


async def launch_next(db: Database, stage_id: int, asked: Asked) -> Outcome:
    """Take the stage's next slice and make its submission, or say why not; one of racing callers wins."""
    for _ in range(TRIES):
        planned = await plan(db, stage_id, asked)
        if isinstance(planned, Outcome):
            return planned
        if other := await _other_than_shown(db, planned, asked):
            return other
        try:
            async with savepoint(db):
                submission = await _take(db, planned, asked)
        except asyncpg.UniqueViolationError as e:
            if e.table_name != "live_file":
                raise
            return Outcome(
                refusal=Refusal.BUSY, why="Files of the slice are in another live submission."
            )
        if submission is not None:
            return Outcome(submission=submission)
    return Outcome(refusal=Refusal.BUSY, why="Too many launches at once; try again.")


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
    if stage.is_full and not asked.may_queue:
        why = (
            f"{stage.name} has {stage.unfinished} unfinished, its limit is {stage.most_unfinished}."
        )
        return Outcome(refusal=Refusal.BUSY, why=why)
    if stage.kind_can_not_run:
        why = f"Stages of kind {stage.kind} can't be launched yet."
        return Outcome(refusal=Refusal.NOT_LAUNCHABLE, why=why)
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


async def _take(db: Database, planned: Planned, asked: Asked) -> Submission | None:
    """Run the one statement; None when somebody else moved the cursor first."""
    stage, taken = planned.stage, planned.taken
    if not taken.files:  # somebody took them between two looks
        return None
    files = 0 if stage.generates else taken.files
    kept = (taken.low, taken.high) if taken.exclusive else (0, 0)
    common = (
        stage.id, stage.split_seq, asked.is_test, taken.cursor, asked.may_queue,
        None if stage.generates else stage.dataset_id, stage.head, *kept, taken.parameter,
        stage.campaign_revision, asked.person_id, asked.upstream_id, asked.dependency_id, asked.trigger_no,
        planned.configuration, len(planned.starts), files, taken.key,
    )  # fmt: skip
    if stage.generates:
        return await one(db, Submission, UNITS, *common, *_columns(stage, taken, asked))
    if taken.listed is None:
        return await one(db, Submission, RANGE, *common, planned.starts, taken.low, taken.high)
    return await one(db, Submission, LISTED, *common, planned.starts, taken.listed)


def _columns(stage: Launchable, taken: splits.Taken, asked: Asked) -> Sequence[list[Any]]:
    """The generator's units, column by column, as `unnest` wants them."""
    epoch = stage.epoch_for(is_test=asked.is_test)
    made = units.identities(stage.id, epoch, taken.low, taken.high, stage.events_per_unit)
    names = ("index", "seed", "run", "subrun", "first_event", "events")
    return [[getattr(unit, name) for unit in made] for name in names]
