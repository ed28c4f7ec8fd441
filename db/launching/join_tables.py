"""What a stage that joins waits for: who goes with whom, and what was launched of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from db.launching import joins
from db.pool import Database, fetch_many
from domain.campaigns.joins import JoinedSubmission, JoinKey, Row, build_table

PARENTS = """
    SELECT id, upstream_id FROM dependency
     WHERE downstream_id = $1 AND upstream_id <> $1 AND active ORDER BY id
"""


async def find_parents(db: Database, stage_id: int) -> dict[int, int]:
    """The stages upstream, by their dependencies."""
    return {row["id"]: row["upstream_id"] for row in await db.fetch(PARENTS, stage_id)}


ARRIVED = """
    WITH newest AS (
        SELECT key, turn FROM join_arrival WHERE stage_id = $1 AND is_test = $2
         GROUP BY key, turn ORDER BY max(origin_id) DESC LIMIT $3
    )
    SELECT dependency_id, origin_id AS submission_id, key, turn FROM join_arrival JOIN newest USING (key, turn)
     WHERE stage_id = $1 AND is_test = $2 ORDER BY origin_id
"""


@dataclass(frozen=True, slots=True)
class ExpectedParent:
    """A submission upstream that has not come, by its dependency."""

    dependency_id: int
    submission_id: int


COMING = """
    SELECT d.id AS dependency_id, s.id AS submission_id
      FROM dependency d
     CROSS JOIN LATERAL (SELECT id FROM submission s
                          WHERE s.stage_id = d.upstream_id AND s.is_test = $2 AND s.origin_id IS NULL
                            AND s.fired_at IS NULL AND s.archived_at IS NULL
                            AND s.state NOT IN ('cancelled', 'removed')
                          ORDER BY id DESC LIMIT $3) s
     WHERE d.downstream_id = $1 AND d.upstream_id <> $1 AND d.active ORDER BY s.id
"""

COME = """
    SELECT dependency_id, key, count(*) AS n FROM join_arrival
     WHERE stage_id = $1 AND is_test = $2 AND key = ANY($3::text[]) GROUP BY dependency_id, key
"""


async def list_rows(
    db: Database, stage_id: int, by: JoinKey, most: int, *, is_test: bool
) -> dict[Row, list[JoinedSubmission]]:
    """Who goes with whom: the newest sets, and the newest submissions of each stage that haven't come."""
    arrived = await fetch_many(db, JoinedSubmission, ARRIVED, stage_id, is_test, most)
    coming = await fetch_many(db, ExpectedParent, COMING, stage_id, is_test, most)
    keys = await joins.find_keys(db, by, [one.submission_id for one in coming])
    come = await db.fetch(COME, stage_id, is_test, list(set(keys.values())))
    return build_table(
        arrived,
        [JoinedSubmission(c.dependency_id, c.submission_id, keys[c.submission_id]) for c in coming],
        {(row["dependency_id"], row["key"]): row["n"] for row in come},
    )


LAUNCHED = """
    SELECT j.key, j.turn, min(m.id) AS submission_id
      FROM joined j
      JOIN slice x ON x.stage_id = j.stage_id AND x.epoch = $3 AND x.key = j.place::text
      JOIN submission m ON m.slice_id = x.id AND m.origin_id IS NULL
     WHERE j.stage_id = $1 AND j.is_test = $2 AND j.key = ANY($4::text[]) GROUP BY j.key, j.turn
"""


async def find_launched(
    db: Database, stage_id: int, epoch: int, found: Mapping[Row, object]
) -> dict[Row, int]:
    """The submissions that were launched for complete sets in an epoch, without those of what came late for them."""
    keys = list({key for key, _ in found})
    made = await db.fetch(LAUNCHED, stage_id, epoch < 0, epoch, keys)
    return {(row["key"], row["turn"]): row["submission_id"] for row in made}
