"""Recoveries: submissions that do again what a family of submissions left undone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from db import launchables, listings, queue
from db.launchables import Launchable
from db.pool import Database, atomic, one
from db.queue import Place
from db.submissions import COLUMNS, Submission
from db.verdicts import VERDICTS, Asked
from domain.configuration import configuration
from domain.dependencies import regex
from domain.parameters import UnknownKeyword
from domain.recovery import Entry, Turn, grown
from domain.splits import parse
from domain.splits.later import Later, later
from domain.verdicts import KINDS, TAKEN, Why, answers


class FilesTaken(Exception):
    """Files of a recovery have just gone into another live submission of the stage."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A recovery that could be launched: what it would run with, and what to ask of its files."""

    family: Sequence[Submission]
    entry: Entry
    configuration: dict[str, Any]
    stage: Launchable
    asked: Asked

    @property
    def origin(self) -> Submission:
        """The submission that all others of the family recover."""
        return self.family[0]


async def prepare(
    db: Database, family: Sequence[Submission], entry: Entry, round_: int = 0
) -> Ready | str:
    """Make a recovery ready, or say why the stage can launch none.

    The configuration is the stage's as it is now, with the recovery's overrides on top.
    """
    origin = family[0]
    stage = await launchables.by_stage(db, origin.stage_id, is_test=origin.is_test)
    if stage is None or not (stage.active and stage.campaign_active):
        return "The stage or its campaign is inactive."
    try:
        config = await _configuration(db, stage, origin, entry)
    except UnknownKeyword as unknown:
        return str(unknown)
    config["environment"]["POMS_RECOVERY_ROUND"] = str(len(family))
    config["resources"] = grown(config["resources"], entry.factors, round_)
    asked = await _asked(db, stage, family, entry, config)
    return Ready(family, entry, config, stage, asked)


async def _configuration(
    db: Database, stage: Launchable, origin: Submission, entry: Entry
) -> dict[str, Any]:
    return configuration(
        stage.ingredients(is_test=origin.is_test, recovery=entry.overrides),
        parameter=origin.configuration.get("parameter"),
        person=await launchables.username(db, origin.created_by),
        is_test=origin.is_test,
    )


async def _asked(
    db: Database,
    stage: Launchable,
    family: Sequence[Submission],
    entry: Entry,
    config: dict[str, Any],
) -> Asked:
    kind, origin = KINDS[entry.kind], family[0]
    found = await _later(db, stage, origin) if kind.asks_added else None
    return Asked(
        family=[member.id for member in family],
        stage_id=stage.id,
        is_test=origin.is_test,
        version=config["version"],
        answers=answers(entry.kind),
        taken=sorted(TAKEN),
        asks_jobs=kind.asks_jobs,
        asks_outputs=kind.asks_outputs,
        patterns=[regex(glob) for glob in set(entry.patterns or config["patterns"] or ["*"])],
        depth=max(entry.depth, origin.output_ancestor_depth),
        dataset_id=stage.dataset_id if found else None,
        low=found.low if found else 0,
        high=found.high if found else 0,
        run=found.run if found else None,
        epoch=stage.epoch_for(is_test=origin.is_test),
        files_per_job=1 if stage.bounds.weigh else stage.files_per_job,
    )


HEAD = "SELECT head FROM snapshot WHERE id = $1"


async def _later(db: Database, stage: Launchable, origin: Submission) -> Later | None:
    """Where the files are that came too late for the slice; of an epoch that is over none are looked for."""
    (slice_,) = await listings.slices(db, [origin.slice_id])
    past = slice_.epoch != stage.epoch_for(is_test=origin.is_test)
    if past or slice_.low is not None or slice_.snapshot_id is None:
        return None
    then = await db.fetchval(HEAD, slice_.snapshot_id)
    return later(parse(stage.split_for(is_test=origin.is_test)), slice_.key, then, stage.head)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a recovery would do: how many files (of a generator: units) for which reason, and their hash."""

    counts: dict[Why, int]
    jobs: int
    bytes: int
    hash: str

    @property
    def taken(self) -> int:
        """How many it takes."""
        return sum(n for why, n in self.counts.items() if why in TAKEN)

    @property
    def everything(self) -> int:
        """Of how many."""
        return sum(self.counts.values())


PLAN = f"""
    WITH RECURSIVE {VERDICTS}
    SELECT (SELECT coalesce(jsonb_object_agg(why, n), '{{}}')
              FROM (SELECT why, count(*) AS n FROM judged GROUP BY why) w) AS counts,
           (SELECT count(*) FROM (SELECT DISTINCT submission_id, number FROM taken) u) AS jobs,
           (SELECT coalesce(sum(f.size), 0)::bigint FROM taken JOIN file f ON f.id = taken.file_id) AS bytes,
           (SELECT encode(sha256(coalesce(string_agg(int8send(submission_id) || int4send(number) || int8send(key), ''
                                                     ORDER BY submission_id, number, key), '')), 'hex') FROM taken)
               AS hash
"""


async def plan(db: Database, ready: Ready) -> Plan:
    """Count what a recovery would take, and why; nothing is changed."""
    found = await one(db, Plan, PLAN, *ready.asked.args)
    assert found is not None  # noqa: S101 - sums are one row
    return Plan({Why(w): n for w, n in found.counts.items()}, found.jobs, found.bytes, found.hash)


# Units keep who they are: their numbers are new, what they must make (or the files still to do) is not. What was done
# and is to be done again is given free, or the new jobs would find it claimed.
RECOVER = f"""
    WITH RECURSIVE {VERDICTS}, parent AS (
        SELECT * FROM submission WHERE id = ($1::bigint[])[1]
    ), wanted AS (
        SELECT t.submission_id, t.number, t.file_id, f.size, t.added
          FROM taken t JOIN file f ON f.id = t.file_id
    ), unit AS (
        SELECT submission_id, was, row_number() OVER (ORDER BY submission_id = 0, submission_id, was)::int AS number
          FROM (SELECT DISTINCT submission_id, number AS was FROM taken) w
    ), total AS (
        SELECT (SELECT count(*) FROM unit) AS jobs, (SELECT count(*) FROM wanted) AS files
    ), moved AS (
        INSERT INTO submission (experiment_id, campaign_id, stage_id, slice_id, campaign_revision, is_test, state,
                                created_by, origin_id, recovery_position, round, batch_system, configuration,
                                counted, priority, jobs, jobs_idle, files, files_waiting)
        SELECT experiment_id, campaign_id, stage_id, slice_id, $20, is_test, 'queued',
               coalesce($21::bigint, created_by), id, $17, $18, batch_system, $19, false, priority,
               total.jobs, total.jobs, total.files, total.files
          FROM parent, total WHERE total.jobs > 0
        RETURNING *
    ), unit_put AS (
        INSERT INTO work_unit (submission_id, number, files, bytes, parameter, index, seed, run, subrun, first_event,
                               events, first_submission_id, first_number)
        SELECT moved.id, unit.number, coalesce(left_.files, 0), coalesce(left_.bytes, 0),
               moved.configuration ->> 'parameter', u.index, u.seed, u.run, u.subrun, u.first_event, u.events,
               coalesce(u.first_submission_id, moved.id), coalesce(u.first_number, unit.number)
          FROM moved CROSS JOIN unit
          LEFT JOIN work_unit u ON u.submission_id = ANY($1) AND u.submission_id = unit.submission_id
                               AND u.number = unit.was
          LEFT JOIN (SELECT submission_id, number, count(*) AS files, sum(size) AS bytes
                       FROM wanted GROUP BY submission_id, number) left_
            ON left_.submission_id = unit.submission_id AND left_.number = unit.was
    ), input_put AS (
        INSERT INTO input_file (submission_id, number, file_id)
        SELECT moved.id, unit.number, wanted.file_id
          FROM moved, wanted JOIN unit ON unit.submission_id = wanted.submission_id AND unit.was = wanted.number
    ), listed AS (
        INSERT INTO slice_file (stage_id, epoch, file_id, slice_id, place)
        SELECT moved.stage_id, $15, wanted.file_id, moved.slice_id,
               (SELECT coalesce(max(place), 0) FROM slice_file s WHERE s.slice_id = moved.slice_id)
               + row_number() OVER (ORDER BY wanted.number, wanted.file_id)
          FROM moved, wanted WHERE wanted.added AND $14 IS NOT NULL
    ), live_put AS (
        INSERT INTO live_file (stage_id, is_test, file_id, submission_id)
        SELECT moved.stage_id, moved.is_test, wanted.file_id, moved.id FROM moved, wanted
    ), freed AS (
        DELETE FROM processed_file p USING moved, taken
         WHERE p.stage_id = moved.stage_id AND p.version = $4 AND p.is_test = moved.is_test
           AND p.file_id = taken.file_id AND taken.outcome = 'done'
    ), job_put AS (
        INSERT INTO job (submission_id, number) SELECT moved.id, unit.number FROM moved, unit
    )
    SELECT {COLUMNS} FROM moved
"""


async def launch(
    db: Database, ready: Ready, turn: Turn | None, person_id: int | None = None
) -> Submission | None:
    """Launch a recovery, in its turn or for a person; None when there is nothing to do.

    Raises FilesTaken when files of it have gone into another live submission since the plan was made.
    """
    try:
        async with atomic(db) as conn:
            facts = await queue.look(conn, ready.origin.stage_id, Place(ready.origin.priority))
            made = await one(
                conn, Submission, RECOVER, *ready.asked.args,
                turn and turn.position, turn and turn.round, ready.configuration, ready.stage.campaign_revision,
                person_id,
            )  # fmt: skip
            return await queue.enter(conn, made, facts) if made else None
    except asyncpg.UniqueViolationError as e:
        if e.table_name != "live_file":
            raise
        raise FilesTaken from e
