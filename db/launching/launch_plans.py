"""Plans that were shown: kept for a while, so that a launch by one can say what has changed since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.launching.stage_launch_view import StageLaunchView
from db.pool import Database, fetch_one
from db.setup.uploads import Upload
from domain.campaigns.splits.queries import TakenSlice
from domain.launching.launch_plans import (
    KEPT_S,
    Parts,
    PlanPart,
    compute_digest,
    compute_plan_hash,
    render_plan,
)
from domain.submissions.configuration import Configuration


@dataclass(frozen=True, slots=True)
class PlannedSubmission:
    """What a launch would take and run."""

    stage: StageLaunchView
    slice: TakenSlice
    starts: Sequence[int]
    """The place in the slice where the work of each job starts: as many as there are jobs."""
    configuration: Configuration
    is_test: bool
    uploads: Sequence[Upload] = ()
    """What its launch script will find in `$UPLOADS`."""


async def read_parts(db: Database, planned: PlannedSubmission) -> Parts:
    """All that decides what a launch runs."""
    stage, taken = planned.stage, planned.slice
    return {
        PlanPart.SUBJECT: {"stage": stage.id, "is_test": planned.is_test},
        PlanPart.REVISION: {"revision": stage.campaign_revision},
        PlanPart.CURSOR: {
            "epoch": stage.epoch_for(is_test=planned.is_test),
            "cursor": stage.cursor_for(is_test=planned.is_test),
        },
        PlanPart.FILES: {
            "files": 0 if stage.generates else taken.files,
            "ids": await _hash_file_ids(db, stage, taken),
            "low": taken.low,
            "high": taken.high,
            "parameter": taken.parameter,
            "key": taken.key,
            "jobs": len(planned.starts),
            "division": compute_digest(planned.starts),
            "events": stage.events_per_unit if stage.generates else None,
        },
        PlanPart.COMMAND: {
            **planned.configuration.to_json(),
            **(
                {"uploads": {row.name: row.checksum for row in planned.uploads}}
                if planned.uploads
                else {}
            ),
        },
        PlanPart.LIMITS: await db.fetchval(LIMITS, stage.id),
    }


LIMITS = """
    SELECT jsonb_build_object('stage', jsonb_build_array(s.most_unfinished, s.most_jobs),
                              'campaign', jsonb_build_array(c.most_unfinished, c.most_jobs),
                              'experiment', jsonb_build_array(e.most_unfinished, e.most_jobs))
      FROM stage s JOIN campaign c ON c.id = s.campaign_id JOIN experiment e ON e.id = s.experiment_id
     WHERE s.id = $1
"""

RANGE = """
    SELECT encode(sha256(string_agg(int8send(file_id), ''::bytea ORDER BY ordinal)), 'hex') FROM dataset_file
     WHERE dataset_id = $1 AND ordinal >= $2 AND ordinal < $3
"""

LISTED = """
    SELECT encode(sha256(string_agg(int8send(d.file_id), ''::bytea ORDER BY x.place)), 'hex')
      FROM unnest($2::bigint[]) WITH ORDINALITY AS x (ordinal, place)
      JOIN dataset_file d ON d.dataset_id = $1 AND d.ordinal = x.ordinal
"""


async def _hash_file_ids(db: Database, stage: StageLaunchView, taken: TakenSlice) -> str | None:
    """A hash over the ids of the files in their order."""
    if stage.generates:
        return None
    found: str | None
    if taken.listed is None:
        found = await db.fetchval(RANGE, stage.dataset_id, taken.low, taken.high)
    else:
        found = await db.fetchval(LISTED, stage.dataset_id, taken.listed)
    return found


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan that was kept: its hash, and until when."""

    hash: str
    expires_at: datetime


KEEP = """
    INSERT INTO launch_plan (hash, parts, expires_at) VALUES ($1, $2, now() + make_interval(secs => $3))
        ON CONFLICT (hash) DO UPDATE SET expires_at = excluded.expires_at
    RETURNING hash, expires_at
"""


async def keep_plan(db: Database, parts: Parts) -> StoredPlan:
    """Keep a plan that is shown."""
    kept = await fetch_one(
        db, StoredPlan, KEEP, compute_plan_hash(parts), render_plan(parts), KEPT_S
    )
    assert kept is not None  # noqa: S101 - it is there now
    return kept


FIND = "SELECT parts FROM launch_plan WHERE hash = $1 AND expires_at > now()"


async def find(db: Database, name: str, subject: Mapping[str, Any]) -> Parts | None:
    """The plan of that hash as it was shown; None: never shown, expired, or a plan of something else."""
    found = await db.fetchval(FIND, name)
    if found is None:
        return None
    parts = {PlanPart(name): of for name, of in found.items()}
    return parts if parts[PlanPart.SUBJECT] == subject else None


FORGET = "DELETE FROM launch_plan WHERE expires_at <= now()"


async def delete_expired(db: Database) -> None:
    """Forget what has expired."""
    await db.execute(FORGET)
