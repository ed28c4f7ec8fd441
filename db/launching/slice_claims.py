"""The one statement that takes a slice: the cursor's move and the submission that comes of it, or neither."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from db.files.datasets import render_slice_dataset
from db.launching.launch_plans import PlannedSubmission
from db.launching.stage_launch_view import StageLaunchView
from db.pool import Database, fetch_one
from db.submissions.accounts import render_given_inputs
from db.submissions.submissions import COLUMNS, Submission, tell_moves
from domain.campaigns.splits.queries import TakenSlice
from domain.changes import ServicePart
from domain.launching.queue import IfBusy
from domain.submissions import units


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """Who wants a launch, and for what."""

    person_id: int
    is_test: bool = False
    if_busy: IfBusy = IfBusy.QUEUE
    """Whether it may wait."""
    priority: int | None = None
    """Before whom it comes; None: as the campaign says."""
    upstream_id: int | None = None
    dependency_id: int | None = None
    trigger_no: int | None = None
    part: ServicePart | None = None
    """What of the service launches it in the person's name; None: they do so themselves."""
    plan_hash: str | None = None
    """Launch exactly what was shown under it, or nothing."""
    made_by_upstream: str | None = None
    """What POMS calls what the submission before it made for it."""
    dataset_name: str | None = None
    """Launch for a dataset of which nothing is known here but the name; no slice is taken."""

    @property
    def is_by_hand(self) -> bool:
        """A person asked for just this."""
        return self.part is None and self.upstream_id is None


# The compare and set comes first, and everything else is made FROM it: no row taken, nothing made. A slice by a
# range keeps it ($8 to below $9), one by a key lists its files, one that may come again keeps neither. $23 has
# the place of each job's first file.
TAKE = (
    """
    WITH taken AS (
        UPDATE stage
           SET cursor      = CASE WHEN $3 THEN cursor ELSE $4 END,
               test_cursor = CASE WHEN $3 THEN $4 ELSE test_cursor END,
               slices      = slices + CASE WHEN $3 THEN 0 ELSE 1 END,
               split_seq   = split_seq + 1,
               unfinished  = unfinished + $20::boolean::int
         WHERE id = $1 AND split_seq = $2 AND active
        RETURNING id, experiment_id, campaign_id, batch_system,
                  CASE WHEN $3 THEN test_epoch ELSE epoch END AS epoch,
                  CASE WHEN $3 THEN old.test_cursor ELSE old.cursor END AS was,
                  CASE WHEN $3 THEN split_seq ELSE slices END AS number
    ), snapshot AS (
        INSERT INTO snapshot (dataset_id, head)
        SELECT $6::bigint, $7::bigint FROM taken WHERE $6::bigint IS NOT NULL
            ON CONFLICT (dataset_id, head) DO UPDATE SET head = excluded.head
        RETURNING id
    ), slice AS (
        INSERT INTO slice (stage_id, epoch, number, snapshot_id, ordinals, parameter, cursor, key, missing)
        SELECT taken.id, epoch, number, snapshot.id, CASE WHEN $8::bigint < $9::bigint THEN int8range($8, $9) END,
               $10, was, $19, $22
          FROM taken LEFT JOIN snapshot ON true
        RETURNING id, epoch
    ), moved AS (
        INSERT INTO submission (experiment_id, campaign_id, stage_id, slice_id, campaign_revision, is_test, state,
                                created_by, upstream_id, dependency_id, trigger_no, batch_system, configuration,
                                counted, priority, jobs, jobs_idle, files, files_waiting, units)
        SELECT taken.experiment_id, campaign_id, taken.id, slice.id, $11, $3,
               CASE WHEN $20 THEN 'new' ELSE 'queued' END::submission_state, $12, $13, $14, $15,
               batch_system, $16, $20, coalesce($5::int, campaign.priority), $17, $17, $18, $18,
               CASE WHEN $18::bigint = 0 THEN $17::int ELSE 0 END
          FROM taken JOIN campaign ON campaign.id = campaign_id, slice
        RETURNING *
    ), told AS ("""
    + tell_moves("CASE WHEN $21::text IS NULL THEN $12::bigint END, $21::text")
    + "),"
)

MAKE = f"""
    unit AS (
        INSERT INTO work_unit (submission_id, number, files, bytes, events, parameter, first_submission_id,
                               first_number)
        SELECT id, number, count(*), coalesce(sum(size), 0), sum(events), $10, id, number
          FROM sliced GROUP BY id, number
    ), input AS (
        INSERT INTO input_file (submission_id, number, file_id) SELECT id, number, file_id FROM sliced
    ), live AS (
        INSERT INTO live_file (stage_id, is_test, file_id, submission_id)
        SELECT moved.stage_id, moved.is_test, sliced.file_id, moved.id FROM moved, sliced
        RETURNING stage_id, is_test, file_id, submission_id
    ), {render_given_inputs("live")}, named AS ({render_slice_dataset("sliced")}
    ), job AS (
        INSERT INTO job (submission_id, number) SELECT id, n FROM moved, generate_series(1, $17::int) n
    )
    SELECT {COLUMNS} FROM moved
"""

RANGE = (
    TAKE
    + """
    sliced AS (
        SELECT moved.id, width_bucket(d.ordinal - $24::bigint, $23::bigint[]) AS number, d.file_id, f.size, f.events
          FROM moved, dataset_file d JOIN file f ON f.id = d.file_id
         WHERE d.dataset_id = $6 AND d.ordinal >= $24 AND d.ordinal < $25::bigint
    ),"""
    + MAKE
)

LISTED = (
    TAKE
    + """
    sliced AS (
        SELECT moved.id, width_bucket(x.place - 1, $23::bigint[]) AS number, d.file_id, f.size, f.events, x.place
          FROM moved, unnest($24::bigint[]) WITH ORDINALITY AS x (ordinal, place)
          JOIN dataset_file d ON d.dataset_id = $6 AND d.ordinal = x.ordinal
          JOIN file f ON f.id = d.file_id
    ), listed AS (
        INSERT INTO slice_file (stage_id, epoch, file_id, slice_id, place)
        SELECT moved.stage_id, slice.epoch, sliced.file_id, slice.id, sliced.place FROM moved, slice, sliced
         WHERE $19::text IS NOT NULL
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
          FROM moved, unnest($23::bigint[], $24::bigint[], $25::int[], $26::int[], $27::bigint[], $28::bigint[])
               WITH ORDINALITY AS u (index, seed, run, subrun, first_event, events, number)
    ), job AS (
        INSERT INTO job (submission_id, number) SELECT id, n FROM moved, generate_series(1, $17::int) n
    )
    SELECT {COLUMNS} FROM moved
"""
)


async def claim_slice(
    db: Database, planned: PlannedSubmission, asked: LaunchRequest, *, begins: bool
) -> Submission | None:
    """Run the one statement: it begins, or is queued. None when somebody else moved the cursor first."""
    stage, taken = planned.stage, planned.slice
    if not taken.files:  # somebody took them between two looks
        return None
    files = 0 if stage.generates else taken.files
    kept = (taken.low, taken.high) if taken.exclusive else (0, 0)
    common = (
        stage.id, stage.split_seq, asked.is_test, taken.cursor, asked.priority,
        None if stage.generates else stage.dataset_id, stage.head, *kept, taken.parameter,
        stage.campaign_revision, asked.person_id, asked.upstream_id, asked.dependency_id, asked.trigger_no,
        planned.configuration.to_json(), len(planned.starts), files, taken.key, begins, asked.part, taken.missing,
    )  # fmt: skip
    if stage.generates:
        return await fetch_one(
            db, Submission, UNITS, *common, *_build_unit_columns(stage, taken, asked)
        )
    if taken.listed is None:
        return await fetch_one(
            db, Submission, RANGE, *common, planned.starts, taken.low, taken.high
        )
    return await fetch_one(db, Submission, LISTED, *common, planned.starts, taken.listed)


def _build_unit_columns(
    stage: StageLaunchView, taken: TakenSlice, asked: LaunchRequest
) -> Sequence[list[Any]]:
    """The generator's units, column by column, as `unnest` wants them."""
    epoch = stage.epoch_for(is_test=asked.is_test)
    made = units.make_identities(stage.id, epoch, taken.low, taken.high, stage.events_per_unit)
    names = ("index", "seed", "run", "subrun", "first_event", "events")
    return [[getattr(unit, name) for unit in made] for name in names]
