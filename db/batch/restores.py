"""How far this database has come, and what follows when it turns out to be an old one."""

from db.pool import Connection, Database
from domain.batch.restores import HighWaterMark

NOW = """
    SELECT (SELECT array_agg(history_id::text ORDER BY ended_at) FROM past_history) AS past,
           (SELECT history_id::text FROM change_head) AS present,
           (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM launch_number) AS launches,
           (SELECT coalesce(max(id), 0) FROM submission) AS submissions
"""


async def read_high_water_mark(db: Database) -> HighWaterMark:
    """What the database says of itself."""
    row = await db.fetchrow(NOW)
    assert row is not None  # noqa: S101 - a SELECT without FROM yields one row
    histories = (*(row["past"] or ()), row["present"])
    return HighWaterMark(histories, row["launches"], row["submissions"])


END_HISTORY = """
    WITH past AS (
        INSERT INTO past_history (history_id)
        SELECT unnest($1::uuid[]) UNION SELECT history_id FROM change_head
            ON CONFLICT DO NOTHING
    )
    UPDATE change_head SET history_id = gen_random_uuid()
"""

# What was about to be submitted may have been: its mark is looked for before anything else.
DOUBT = "UPDATE launch_attempt SET state = 'sent' WHERE state = 'intended'"

SKIP_NUMBERS = """
    SELECT setval('launch_number', greatest(nextval('launch_number'), $1)),
           setval(pg_get_serial_sequence('submission', 'id'),
                  greatest(nextval(pg_get_serial_sequence('submission', 'id')), $2)),
           ensure_partitions(3 + (greatest($2 - (SELECT coalesce(max(id), 0) FROM submission), 0) / 10000)::int)
"""

RECONCILE = "UPDATE reconciliation SET done_at = '-infinity', requested_at = now()"


async def begin_again(conn: Connection, kept: HighWaterMark | None) -> None:
    """Begin a new history; inside the caller's transaction.

    From now on marks and cursors are others, ids of submissions that were forgotten are not given again,
    and nothing is launched at a batch system before it has been asked what it has.
    """
    await conn.execute(END_HISTORY, list(kept.histories) if kept else [])
    await conn.execute(DOUBT)
    await conn.execute(SKIP_NUMBERS, kept.launches if kept else 0, kept.submissions if kept else 0)
    await conn.execute(RECONCILE)


# An orphan is the proof that the database has forgotten a launch; while it may run, somebody is to decide about it.
HELD_BACK = """
    SELECT CASE
        WHEN EXISTS (SELECT FROM discrepancy
                      WHERE kind = 'orphan' AND batch_system = $1 AND jobs > 0 AND resolved_at IS NULL)
        THEN $1 || ' has clusters that this database has forgotten: see the discrepancies of kind orphan'
        WHEN coalesce((SELECT done_at FROM reconciliation WHERE batch_system = $1), '-infinity')
             < (SELECT max(ended_at) FROM past_history)
        THEN 'the database was restored, and ' || $1 || ' has not been asked yet what it has'
    END
"""


async def explain_hold(db: Database, batch_system: str) -> str | None:
    """Why nothing may be launched there now, or None."""
    why: str | None = await db.fetchval(HELD_BACK, batch_system)
    return why


IN_DOUBT = """
    SELECT EXISTS (SELECT FROM submission s
                     JOIN launch_attempt a ON (a.submission_id, a.attempt) = (s.id, s.launch_attempt)
                    WHERE s.state IN ('new', 'submitting', 'uncertain') AND a.batch_system = $1 AND a.state = 'sent'
                      AND a.at < (SELECT max(ended_at) FROM past_history))
"""


async def has_doubtful_launches(db: Database, batch_system: str) -> bool:
    """Whether a restored database has launches that may have been adopted, and run, after the dump.

    What a batch system tells of them would be taken for somebody else's, and lost.
    """
    return bool(await db.fetchval(IN_DOUBT, batch_system))
