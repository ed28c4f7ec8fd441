"""Inputs of submissions: their two axes, and the rule that a file is done once."""

from collections.abc import Sequence

from db.pool import Connection, Database, fetch_many
from domain.submissions.news import InputNews

ROWS = """
    unnest($1::bigint[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::text[])
        AS x (submission_id, number, file_id, delivery, outcome, reason)
"""

# Who comes second with a file of the stage and version finds it claimed: it has not done it. The lookup is kept
# apart (OFFSET 0): of submissions younger than its statistics the planner expects one row, and would join in squares.
CLAIM = f"""
    WITH s AS MATERIALIZED (
        SELECT id, stage_id, configuration ->> 'version' AS version, is_test
          FROM submission WHERE id = ANY($7::bigint[])
    )
    INSERT INTO processed_file AS p (stage_id, version, is_test, file_id, submission_id, number)
    SELECT s.stage_id, s.version, s.is_test, x.file_id, x.submission_id, x.number
      FROM {ROWS}
      JOIN s ON s.id = x.submission_id
      CROSS JOIN LATERAL (SELECT FROM input_file i
                           WHERE i.submission_id = x.submission_id AND i.file_id = x.file_id AND i.number = x.number
                          OFFSET 0) its
     WHERE x.outcome = 'done'
     ORDER BY 1, 2, 3, 4
        ON CONFLICT DO NOTHING
    RETURNING submission_id, number, file_id
"""

# A catalog may tell what became of a file after its submission is over and a later one has it (`passed`).
APPLY = f"""
    WITH changed AS (
        UPDATE input_file i
           SET delivery = CASE WHEN x.outcome = 'done' AND c.file_id IS NULL THEN 'skipped'
                               ELSE x.delivery END::delivery,
               outcome  = x.outcome::outcome,
               reason   = CASE WHEN x.outcome = 'done' AND c.file_id IS NULL THEN 'done by another job'
                               ELSE x.reason END
          FROM {ROWS}
          LEFT JOIN unnest($7::bigint[], $8::bigint[]) AS c (submission_id, file_id)
            ON c.submission_id = x.submission_id AND c.file_id = x.file_id
         WHERE i.submission_id = ANY($9::bigint[]) AND i.submission_id = x.submission_id
           AND i.file_id = x.file_id AND i.number = x.number AND i.outcome = 'none'
        RETURNING i.submission_id, i.file_id, old.delivery AS was, new.delivery AS now, new.outcome
    ), over AS MATERIALIZED (
        SELECT id, stage_id, is_test FROM submission WHERE id = ANY($9::bigint[]) AND ended_at IS NOT NULL
    ), passed AS (
        SELECT c.submission_id, count(*) AS n
          FROM changed c JOIN over ON over.id = c.submission_id
          JOIN stage_input i ON i.stage_id = over.stage_id AND i.is_test = over.is_test AND i.file_id = c.file_id
         WHERE c.outcome = 'done' AND i.submission_id <> c.submission_id
         GROUP BY c.submission_id
    ), delta AS (
        SELECT submission_id,
               count(*) FILTER (WHERE now = 'waiting')   - count(*) FILTER (WHERE was = 'waiting')   AS waiting,
               count(*) FILTER (WHERE now = 'delivered') - count(*) FILTER (WHERE was = 'delivered') AS delivered,
               count(*) FILTER (WHERE now = 'consumed')  - count(*) FILTER (WHERE was = 'consumed')  AS consumed,
               count(*) FILTER (WHERE now = 'skipped')   - count(*) FILTER (WHERE was = 'skipped')   AS skipped,
               count(*) FILTER (WHERE outcome = 'done')   AS done,
               count(*) FILTER (WHERE outcome = 'failed') AS failed
          FROM changed GROUP BY submission_id
    )
    UPDATE submission s
       SET files_waiting = files_waiting + d.waiting, files_delivered = files_delivered + d.delivered,
           files_consumed = files_consumed + d.consumed, files_skipped = files_skipped + d.skipped,
           files_done = files_done + d.done, files_failed = files_failed + d.failed,
           passed_done = passed_done + coalesce(p.n, 0), passed_undone = passed_undone - coalesce(p.n, 0)
      FROM delta d LEFT JOIN passed p USING (submission_id) WHERE s.id = d.submission_id
"""


async def apply_fates(
    conn: Connection, news: Sequence[InputNews]
) -> frozenset[tuple[int, int, int]]:
    """Apply fates; returns the (submission, number, file) that are done by these jobs and no other."""
    columns = _build_columns(news)
    ids = sorted(set(columns[0]))
    rows = await conn.fetch(CLAIM, *columns, ids)
    claimed = frozenset((row[0], row[1], row[2]) for row in rows)
    await conn.execute(APPLY, *columns, [c[0] for c in claimed], [c[2] for c in claimed], ids)
    return claimed


def _build_columns(news: Sequence[InputNews]) -> tuple[list[int], ...]:
    names = ("submission_id", "number", "file_id", "delivery", "outcome", "reason")
    return tuple([getattr(n, name) for n in news] for name in names)


def _render_accounted(ids: str) -> str:
    """SQL for those of some submissions whose jobs' ends say what became of their files: a project says it itself."""
    return f"""
        SELECT id FROM submission WHERE id = ANY({ids}) AND configuration ->> 'consumption' IS DISTINCT FROM 'project'
    """


OF_JOBS = f"""
    WITH accounted AS MATERIALIZED ({_render_accounted("$3::bigint[]")})
    SELECT i.submission_id, i.number, i.file_id, 'consumed', 'done', NULL
      FROM unnest($1::bigint[], $2::int[]) AS x (submission_id, number) JOIN input_file i USING (submission_id, number)
     WHERE i.submission_id = ANY($3::bigint[]) AND i.submission_id IN (SELECT id FROM accounted)
"""


async def list_by_jobs(db: Database, jobs: Sequence[tuple[int, int]]) -> list[InputNews]:
    """The fates of the inputs of jobs (submission, number) that have done all of theirs."""
    ids, numbers = (list(column) for column in zip(*jobs, strict=True))
    return await fetch_many(db, InputNews, OF_JOBS, ids, numbers, sorted(set(ids)))


LOSE = f"""
    WITH accounted AS MATERIALIZED ({_render_accounted("$4::bigint[]")}), x AS (
        SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[]) AS x (submission_id, number, reason)
    ), lost AS (
        UPDATE input_file i SET outcome = 'failed', reason = x.reason
          FROM x
         WHERE i.submission_id = ANY($4::bigint[]) AND i.submission_id = x.submission_id AND i.number = x.number
           AND i.outcome = 'none' AND i.submission_id IN (SELECT id FROM accounted)
        RETURNING i.submission_id
    )
    UPDATE submission s SET files_failed = files_failed + d.n
      FROM (SELECT submission_id, count(*) AS n FROM lost GROUP BY submission_id) d
     WHERE s.id = d.submission_id
"""


async def fail_unreported(conn: Connection, jobs: Sequence[tuple[int, int, str]]) -> None:
    """Jobs (submission, number, reason) are over without a word of these inputs: they have failed."""
    ids, numbers, reasons = (list(column) for column in zip(*jobs, strict=True))
    await conn.execute(LOSE, ids, numbers, reasons, sorted(set(ids)))
