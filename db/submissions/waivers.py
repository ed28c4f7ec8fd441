"""Inputs that nobody wants done any more: neither lost nor owed, and taken by no recovery."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.changes import sign_as_person
from db.pool import Connection
from domain.changes import ChangeKind


@dataclass(frozen=True, slots=True)
class WaiverScope:
    """Whose inputs are waived: of a submission with its recoveries, or of a stage, tests left out."""

    origin_id: int | None = None
    stage_id: int | None = None


# Of what is decided: before, a catalog may still tell what became of files. Submissions come before their stage, as
# with everybody who has both; a launch that was planned meanwhile is planned again, since it may take over what is
# waived now.
LOCK = """
    SELECT id FROM submission
     WHERE (id = $1 OR origin_id = $1 OR (stage_id = $2 AND NOT is_test)) AND inputs_owed + inputs_lost > 0
       AND advanced_at IS NOT NULL AND archived_at IS NULL
     ORDER BY id FOR UPDATE
"""
LOCK_STAGES = """
    UPDATE stage SET split_seq = split_seq + 1
     WHERE id IN (SELECT stage_id FROM submission WHERE id = ANY($1::bigint[]))
"""
WAIVE = f"""
    WITH undone AS (
        SELECT i.submission_id, i.file_id AS key
          FROM input_file i JOIN submission s ON s.id = i.submission_id
          JOIN stage_input n ON n.stage_id = s.stage_id AND n.is_test = s.is_test AND n.file_id = i.file_id
                            AND n.submission_id = s.id
         WHERE i.submission_id = ANY($1::bigint[]) AND i.outcome <> 'done'
           AND ($2::bigint[] IS NULL OR i.file_id = ANY($2))
         UNION ALL
        SELECT u.submission_id, u.index
          FROM work_unit u JOIN submission s ON s.id = u.submission_id AND s.units > 0
          JOIN job j ON j.submission_id = u.submission_id AND j.number = u.number
         WHERE u.submission_id = ANY($1) AND $2 IS NULL AND u.index IS NOT NULL AND j.state <> 'succeeded'
           AND NOT EXISTS (SELECT FROM submission later JOIN work_unit w ON w.submission_id = later.id
                            WHERE later.origin_id = coalesce(s.origin_id, s.id) AND later.id > s.id
                              AND w.index = u.index)
    ), saved AS (
        INSERT INTO waived_input (submission_id, key, reason, waived_by)
        SELECT submission_id, key, $3, $4 FROM undone
            ON CONFLICT DO NOTHING
        RETURNING submission_id
    ), counted AS (
        UPDATE submission s SET inputs_waived = inputs_waived + n, revision = revision + 1
          FROM (SELECT submission_id, count(*) AS n FROM saved GROUP BY submission_id) w
         WHERE s.id = w.submission_id
        RETURNING s.experiment_id, s.campaign_id, s.id, n
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, campaign_id, id, '{ChangeKind.INPUTS_WAIVED}', {sign_as_person("$4")}, $3,
               jsonb_build_object('waived', n)
          FROM counted ORDER BY id
    )
    SELECT count(*) FROM saved
"""


async def waive_inputs(
    conn: Connection,
    scope: WaiverScope,
    file_ids: Sequence[int] | None,
    reason: str,
    person_id: int,
) -> int:
    """Waive what is owed or lost (None: all of it, units of a generator, too); returns how many inputs that were."""
    ids = [row[0] for row in await conn.fetch(LOCK, scope.origin_id, scope.stage_id)]
    if not ids:
        return 0
    await conn.execute(LOCK_STAGES, ids)
    return int(await conn.fetchval(WAIVE, ids, file_ids, reason, person_id))
