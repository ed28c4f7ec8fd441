"""Recoveries: submissions that do again what a family of submissions left undone."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import asyncpg

from db.files.datasets import render_slice_dataset
from db.launching import queue, stage_launch_view
from db.launching.launch_rights import find_successor
from db.launching.queue import QueuePosition
from db.launching.stage_launch_view import StageLaunchView
from db.pool import Database, begin_transaction, fetch_one
from db.recovery.verdicts import VERDICTS, RecoveryRequest
from db.setup import uploads
from db.submissions import completion, submission_listings
from db.submissions.accounts import render_given_inputs
from db.submissions.submissions import COLUMNS, Submission
from domain.campaigns.splits.late_files import LateRange, find_later_files
from domain.campaigns.splits.reading import parse_split
from domain.changes import Actor, ServicePart, make_service_actor
from domain.launching.slice_names import name_recovery
from domain.recovery.recovery_decisions import RecoveryTurn, multiply_resources
from domain.recovery.verdicts import KINDS, TAKEN, RecoveryVerdict, tabulate_verdicts
from domain.setup.parameters import CommandError
from domain.setup.recovery_rules import RecoveryRule
from domain.setup.resources import Resources
from domain.submissions.completion import choose_patterns, compile_patterns
from domain.submissions.configuration import Configuration, make_configuration


class FilesTaken(Exception):
    """Files of a recovery, or its name, have just gone to something else."""


@dataclass(frozen=True, slots=True)
class PreparedRecovery:
    """A recovery that could be launched: what it would run with, and what to ask of its files."""

    family: Sequence[Submission]
    entry: RecoveryRule
    configuration: Configuration
    stage: StageLaunchView
    request: RecoveryRequest

    @property
    def origin(self) -> Submission:
        """The submission that all others of the family recover."""
        return self.family[0]


async def prepare_recovery(
    db: Database, family: Sequence[Submission], entry: RecoveryRule, round_: int = 0
) -> PreparedRecovery | str:
    """Make a recovery ready, or say why the stage can launch none. One of an inactive campaign waits in the queue.

    The configuration is the stage's as it is now, with the recovery's overrides on top.
    """
    origin = family[0]
    stage = await stage_launch_view.find_by_stage(db, origin.stage_id, is_test=origin.is_test)
    if stage is None or not stage.active:
        return "The stage is inactive."
    try:
        config = await _build_configuration(db, stage, family, entry)
    except CommandError as unknown:
        return str(unknown)
    config = replace(
        config,
        environment={**config.environment, "POMS_RECOVERY_ROUND": str(len(family))},
        resources=Resources(**multiply_resources(asdict(config.resources), entry.factors, round_)),
    )
    asked = await _build_slice_request(db, stage, family, entry, config)
    return PreparedRecovery(family, entry, config, stage, asked)


async def _build_configuration(
    db: Database, stage: StageLaunchView, family: Sequence[Submission], entry: RecoveryRule
) -> Configuration:
    origin = family[0]
    return make_configuration(
        stage.ingredients(is_test=origin.is_test, recovery=entry.overrides),
        parameter=origin.runs_with.parameter,
        person=await stage_launch_view.find_username(db, origin.created_by),
        is_test=origin.is_test,
        works_on=await _choose_name(db, stage, family),
    )


async def _choose_name(
    db: Database, stage: StageLaunchView, family: Sequence[Submission]
) -> str | None:
    """What the recovery's files will be called; that of a generator has none."""
    origin = family[0]
    if not origin.files:
        return None
    name = name_recovery(origin.id, len(family))
    return await stage_launch_view.choose_free_name(db, stage, name)


async def _build_slice_request(
    db: Database,
    stage: StageLaunchView,
    family: Sequence[Submission],
    entry: RecoveryRule,
    config: Configuration,
) -> RecoveryRequest:
    kind, origin = KINDS[entry.kind], family[0]
    found = await _find_late_range(db, stage, origin) if kind.asks_added else None
    wanted = choose_patterns(await completion.list_patterns(db, stage.id), config.patterns)
    return RecoveryRequest(
        family=[member.id for member in family],
        stage_id=stage.id,
        is_test=origin.is_test,
        version=config.version,
        answers=tabulate_verdicts(entry.kind),
        taken=sorted(TAKEN),
        asks_jobs=kind.asks_jobs,
        asks_outputs=kind.asks_outputs,
        patterns=list(compile_patterns(entry.patterns or wanted)),
        depth=max(entry.depth, origin.output_ancestor_depth),
        dataset_id=stage.dataset_id if found else None,
        low=found.low if found else 0,
        high=found.high if found else 0,
        run=found.run if found else None,
        epoch=stage.epoch_for(is_test=origin.is_test),
        files_per_job=1 if stage.bounds.weigh else stage.files_per_job,
    )


HEAD = "SELECT head FROM snapshot WHERE id = $1"


async def _find_late_range(
    db: Database, stage: StageLaunchView, origin: Submission
) -> LateRange | None:
    """Where the files are that came too late for the slice; of an epoch that is over none are looked for."""
    (slice_,) = await submission_listings.find_slices(db, [origin.slice_id])
    past = slice_.epoch != stage.epoch_for(is_test=origin.is_test)
    if past or slice_.low is not None or slice_.snapshot_id is None:
        return None
    then = await db.fetchval(HEAD, slice_.snapshot_id)
    return find_later_files(
        parse_split(stage.split_for(is_test=origin.is_test)), slice_.key, then, stage.head
    )


@dataclass(frozen=True, slots=True)
class PlannedRecovery:
    """What a recovery would do: how many files (of a generator: units) for which reason, and their hash."""

    counts: dict[RecoveryVerdict, int]
    jobs: int
    bytes: int
    without_size: int
    """So many of the files have no known size: `bytes` is of the others."""
    hash: str

    @property
    def files_taken(self) -> int:
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
           (SELECT count(*) FROM taken JOIN file f ON f.id = taken.file_id WHERE f.size IS NULL) AS without_size,
           (SELECT encode(sha256(coalesce(string_agg(int8send(submission_id) || int4send(number) || int8send(key), ''
                                                     ORDER BY submission_id, number, key), '')), 'hex') FROM taken)
               AS hash
"""


async def plan_recovery(db: Database, ready: PreparedRecovery) -> PlannedRecovery:
    """Count what a recovery would take, and why; nothing is changed."""
    found = await fetch_one(db, PlannedRecovery, PLAN, *ready.request.args)
    assert found is not None  # noqa: S101 - sums are one row
    return PlannedRecovery(
        {RecoveryVerdict(w): n for w, n in found.counts.items()},
        found.jobs,
        found.bytes,
        found.without_size,
        found.hash,
    )


# Units keep who they are: their numbers are new, what they must make (or the files still to do) is not. What was done
# and is to be done again is given free, or the new jobs would find it claimed.
RECOVER = f"""
    WITH RECURSIVE {VERDICTS}, parent AS (
        SELECT * FROM submission WHERE id = ($1::bigint[])[1]
    ), wanted AS (
        SELECT t.submission_id, t.number, t.file_id, f.size, f.events, t.added
          FROM taken t JOIN file f ON f.id = t.file_id
    ), unit AS (
        SELECT submission_id, was, row_number() OVER (ORDER BY submission_id = 0, submission_id, was)::int AS number
          FROM (SELECT DISTINCT submission_id, number AS was FROM taken) w
    ), total AS (
        SELECT (SELECT count(*) FROM unit) AS jobs, (SELECT count(*) FROM wanted) AS files
    ), moved AS (
        INSERT INTO submission (experiment_id, campaign_id, stage_id, slice_id, campaign_revision, is_test, state,
                                created_by, origin_id, recovery_position, round, batch_system, configuration,
                                counted, priority, jobs, jobs_idle, files, files_waiting, units)
        SELECT experiment_id, campaign_id, stage_id, slice_id, $20, is_test, 'queued',
               $21::bigint, id, $17, $18, batch_system, $19, false, priority,
               total.jobs, total.jobs, total.files, total.files,
               CASE WHEN total.files = 0 THEN total.jobs ELSE 0 END
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
        RETURNING stage_id, is_test, file_id, submission_id
    ), {render_given_inputs("live_put")}, passed_units AS (
        INSERT INTO passed_input (stage_id, submission_id, done, undone, waived)
        SELECT moved.stage_id, taken.submission_id, count(*) FILTER (WHERE taken.outcome = 'done'),
               count(*) FILTER (WHERE taken.outcome <> 'done'), 0
          FROM moved, taken WHERE taken.file_id IS NULL
         GROUP BY moved.stage_id, taken.submission_id
    ), freed AS (
        DELETE FROM processed_file p USING moved, taken
         WHERE p.stage_id = moved.stage_id AND p.version = $4 AND p.is_test = moved.is_test
           AND p.file_id = taken.file_id AND taken.outcome = 'done'
    ), named AS ({render_slice_dataset("wanted")}
    ), job_put AS (
        INSERT INTO job (submission_id, number) SELECT moved.id, unit.number FROM moved, unit
    )
    SELECT {COLUMNS} FROM moved
"""


# Of two that give or waive the same inputs the second sees what the first has done.
LOCK_STAGE = "SELECT FROM stage WHERE id = $1 FOR NO KEY UPDATE"


async def launch_recovery(
    db: Database, ready: PreparedRecovery, turn: RecoveryTurn | None, person_id: int | None = None
) -> Submission | None:
    """Launch a recovery, in its turn (in the origin's name) or for a person; None when there is nothing to do.

    Raises FilesTaken when files of it have gone into another live submission since the plan was made.
    """
    try:
        async with begin_transaction(db) as conn:
            origin = ready.origin
            by = Actor(person_id) if person_id else make_service_actor(ServicePart.ADVANCE)
            if person_id is None:
                person_id = await find_successor(conn, origin.campaign_id, origin.created_by)
            facts = await queue.lock_limits(
                conn, origin.stage_id, QueuePosition(origin.priority), person_id
            )
            await conn.execute(LOCK_STAGE, origin.stage_id)
            made = await fetch_one(
                conn, Submission, RECOVER, *ready.request.args,
                turn and turn.position, turn and turn.round, ready.configuration.to_json(),
                ready.stage.campaign_revision, person_id,
            )  # fmt: skip
            if made is None:
                return None
            if ready.configuration.runs_script:
                there = await uploads.list_by_person(conn, origin.experiment_id, person_id)
                await uploads.record_taken(conn, made.id, [row.id for row in there])
            facts = await queue.add_approval(conn, facts, made)
            return await queue.enter_queue(conn, made, facts, by)
    except asyncpg.UniqueViolationError as e:
        if e.table_name not in ("live_file", "dataset"):
            raise
        raise FilesTaken from e
