"""What changes said in older words is said in today's after the migration that renamed them."""

import pytest

from db.migrate import MIGRATIONS
from db.pool import Pool
from domain.changes import ChangeKind
from domain.discrepancies import DiscrepancyKind, Repair
from domain.submissions.change_bodies import ActionBody, DiscrepancyBody
from domain.submissions.change_reading import read_body
from domain.submissions.jobs import JobActionVerb

OLDER = """
    INSERT INTO change_inbox (experiment_id, kind, part, reason, body) VALUES
        (1, 'schedule.stands', 'schedule', 'Nobody may.', '{"stage": "stage:1", "person": "person:1"}'),
        (1, 'action.asked', 'act', 'broken', '{"verb": "remove"}'),
        (1, 'action.done', 'act', 'broken', '{"verb": "remove", "said": "Removed."}'),
        (1, 'discrepancy.filed', 'reconcile', NULL,
         '{"id": 1, "kind": "twin", "batch_system": "local", "native_id": "7", "details": "", "repair": "remove"}'),
        (1, 'discrepancy.gone', 'reconcile', NULL,
         '{"id": 1, "kind": "not_followed", "batch_system": "local", "native_id": "7", "repair": "look"}')
"""
MIGRATION = (MIGRATIONS / "0041_names.sql").read_text()
WORDS = MIGRATION.partition("-- What was told")[2].partition("\n")[2].partition("-- migrate:")[0]


@pytest.mark.parametrize("table", ["change", "change_inbox"])
async def test_older_changes_are_told_in_the_words_of_today(db: Pool, table: str) -> None:
    await db.execute(OLDER)
    if table == "change":
        await db.execute("SELECT relay_batch(100)")
    await db.execute(WORDS)
    rows = await db.fetch(f"SELECT kind, body FROM {table} ORDER BY id")
    stopped, *told = [read_body(ChangeKind(row["kind"]), row["body"]) for row in rows]
    assert rows[0]["kind"] == ChangeKind.SCHEDULE_STOPPED, stopped
    assert rows[1]["kind"] == ChangeKind.ACTION_REQUESTED
    assert told == [
        ActionBody(JobActionVerb.REMOVE, None),
        ActionBody(JobActionVerb.REMOVE, "Removed."),
        DiscrepancyBody(
            "discrepancy:1", DiscrepancyKind.DUPLICATE_CLUSTER, "local", "7", "", Repair.REMOVE
        ),
        DiscrepancyBody(
            "discrepancy:1", DiscrepancyKind.NOT_FOLLOWED, "local", "7", None, Repair.INSPECT
        ),
    ]
