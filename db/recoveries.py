"""Recoveries: submissions that do again what another one left undone."""

from typing import Any

from db import launchables
from db.launchables import Launchable
from db.pool import Connection, one
from db.submissions import COLUMNS, TELL, Submission
from domain.configuration import configuration
from domain.parameters import UnknownKeyword
from domain.recovery import KINDS, Entry, Turn

# Units keep who they are: their numbers are new, what they must make (or the files still to do) is not.
RECOVER = f"""
    WITH parent AS (
        SELECT * FROM submission WHERE id = $1
    ), wanted AS (
        SELECT i.number, i.file_id, f.size
          FROM input_file i JOIN file f ON f.id = i.file_id
         WHERE i.submission_id = $1 AND i.outcome = ANY($2::outcome[])
    ), unit AS (
        SELECT was, row_number() OVER (ORDER BY was)::int AS number
          FROM (SELECT number AS was FROM wanted
                 UNION SELECT j.number FROM job j JOIN work_unit u USING (submission_id, number)
                        WHERE j.submission_id = $1 AND u.submission_id = $1
                          AND j.state <> 'succeeded' AND u.index IS NOT NULL) w
    ), total AS (
        SELECT (SELECT count(*) FROM unit) AS jobs, (SELECT count(*) FROM wanted) AS files
    ), place AS (
        UPDATE stage
           SET unfinished = unfinished
                            + CASE WHEN most_unfinished IS NULL OR unfinished < most_unfinished THEN 1 ELSE 0 END
          FROM parent, total
         WHERE stage.id = parent.stage_id AND total.jobs > 0
        RETURNING new.unfinished > old.unfinished AS counted
    ), moved AS (
        INSERT INTO submission (experiment_id, campaign_id, stage_id, slice_id, campaign_revision, is_test, state,
                                created_by, origin_id, recovery_position, round, batch_system, configuration,
                                counted, jobs, jobs_idle, files, files_waiting)
        SELECT experiment_id, campaign_id, stage_id, slice_id, $6, is_test,
               CASE WHEN place.counted THEN 'new' ELSE 'queued' END::submission_state,
               created_by, coalesce(origin_id, id), $3, $4, batch_system, $5, place.counted,
               total.jobs, total.jobs, total.files, total.files
          FROM parent, place, total
        RETURNING *
    ), told AS ({TELL}), unit_put AS (
        INSERT INTO work_unit (submission_id, number, files, bytes, parameter, index, seed, run, subrun, first_event,
                               events, first_submission_id, first_number)
        SELECT moved.id, unit.number, coalesce(left_.files, 0), coalesce(left_.bytes, 0), u.parameter, u.index, u.seed,
               u.run, u.subrun, u.first_event, u.events, u.first_submission_id, u.first_number
          FROM moved, unit
          JOIN work_unit u ON u.submission_id = $1 AND u.number = unit.was
          LEFT JOIN (SELECT number, count(*) AS files, sum(size) AS bytes FROM wanted GROUP BY number) left_
            ON left_.number = unit.was
    ), input_put AS (
        INSERT INTO input_file (submission_id, number, file_id)
        SELECT moved.id, unit.number, wanted.file_id FROM moved, wanted JOIN unit ON unit.was = wanted.number
    ), live_put AS (
        INSERT INTO live_file (stage_id, is_test, file_id, submission_id)
        SELECT moved.stage_id, moved.is_test, wanted.file_id, moved.id FROM moved, wanted
    ), job_put AS (
        INSERT INTO job (submission_id, number) SELECT moved.id, unit.number FROM moved, unit
    )
    SELECT {COLUMNS} FROM moved
"""


async def launch(
    conn: Connection, parent: Submission, entry: Entry, turn: Turn, earlier: int
) -> Submission | None:
    """Queue one recovery of what `parent` left undone; None when it left nothing, or can't be launched.

    The configuration is the stage's as it is now, with the recovery's overrides on top; `earlier` is how
    many submissions worked on the slice before.
    """
    stage = await launchables.by_stage(conn, parent.stage_id, is_test=parent.is_test)
    if stage is None or not (stage.active and stage.campaign_active):
        return None
    config = await _configuration(conn, stage, parent, entry, earlier)
    if config is None:
        return None
    outcomes = list(KINDS[entry.kind].outcomes)
    return await one(
        conn, Submission, RECOVER,
        parent.id, outcomes, turn.position, turn.round, config, stage.campaign_revision,
    )  # fmt: skip


async def _configuration(
    conn: Connection, stage: Launchable, parent: Submission, entry: Entry, earlier: int
) -> dict[str, Any] | None:
    ingredients = stage.ingredients(is_test=parent.is_test, recovery=entry.overrides)
    person = await launchables.username(conn, parent.created_by)
    parameter = parent.configuration.get("parameter")
    try:
        config = configuration(
            ingredients, parameter=parameter, person=person, is_test=parent.is_test
        )
    except UnknownKeyword:
        return None
    config["environment"]["POMS_RECOVERY_ROUND"] = str(earlier)
    return config
