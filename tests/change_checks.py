"""What every test that has a database looks at in its end: its changes are as the registry has them."""

import asyncpg

from db.pool import Pool
from domain.changes import ChangeKind
from domain.submissions.change_reading import read_body

# Tests that only count changes plant some that say nothing.
TOLD = """
    SELECT DISTINCT ON (kind) kind, actor_id, part, body
      FROM (SELECT kind, actor_id, part, body FROM change
             UNION ALL
            SELECT kind, actor_id, part, body FROM change_inbox) told
     WHERE body <> '{}'
     ORDER BY kind
"""


async def check_changes(db: Pool) -> None:
    """See to it that of each kind that was told what is said can be read, and that somebody has done it."""
    try:
        rows = await db.fetch(TOLD)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return  # the test was about a database that is away
    for row in rows:
        read_body(ChangeKind(row["kind"]), row["body"])
        assert (row["actor_id"] is None) != (row["part"] is None), row["kind"]
