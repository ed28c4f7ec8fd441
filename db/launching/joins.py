"""What has arrived for stages that join, and what of it is complete."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.pool import Connection, Database, fetch_many, fetch_one
from db.submissions.recovery_chain import OutgoingDependency
from db.submissions.submissions import Submission
from domain.campaigns.joins import JoinFacts, JoinKey, find_join_key, find_key, is_complete

# An original file is one without parents; of one that a submission made of nothing, that submission stands for it.
FACTS = """
    SELECT s.id AS submission_id, x.parameter, x.key, x.number, l.lineage
      FROM submission s JOIN slice x ON x.id = s.slice_id
      LEFT JOIN LATERAL (
          WITH RECURSIVE up (id) AS (
              SELECT file_id FROM input_file WHERE submission_id = s.id
               UNION
              SELECT p.parent_id FROM up JOIN file_parent p ON p.child_id = up.id
          ), original AS (
              SELECT DISTINCT coalesce('submission:' || coalesce(m.origin_id, m.id), 'file:' || f.id) AS name
                FROM up JOIN file f USING (id) LEFT JOIN submission m ON m.id = f.submission_id
               WHERE NOT EXISTS (SELECT FROM file_parent p WHERE p.child_id = up.id)
          )
          SELECT encode(sha256(string_agg(name::bytea, ','::bytea ORDER BY name)), 'hex') AS lineage FROM original
      ) l ON $2
     WHERE s.id = ANY($1::bigint[]) ORDER BY s.id
"""


async def find_keys(db: Database, by: JoinKey, submission_ids: Sequence[int]) -> dict[int, str]:
    """What these submissions belong to."""
    found = await fetch_many(db, JoinFacts, FACTS, submission_ids, by is JoinKey.LINEAGE)
    return {facts.submission_id: find_key(by, facts) for facts in found}


@dataclass(frozen=True, slots=True)
class JoinArrival:
    """To what an arrival belongs, and how many of its parent came with it before."""

    key: str
    turn: int


ARRIVE = """
    INSERT INTO join_arrival (stage_id, is_test, dependency_id, origin_id, key, turn)
    SELECT $1, $2, $3, $4, $5, count(*) FROM join_arrival
     WHERE stage_id = $1 AND is_test = $2 AND dependency_id = $3 AND key = $5
        ON CONFLICT (dependency_id, origin_id) DO NOTHING
    RETURNING key, turn
"""

PARENTS = """
    SELECT id FROM dependency WHERE downstream_id = $1 AND upstream_id <> $1 AND active ORDER BY id
"""

THERE = """
    SELECT dependency_id FROM join_arrival WHERE stage_id = $1 AND is_test = $2 AND key = $3 AND turn = $4
"""

COMPLETE = """
    INSERT INTO joined (stage_id, is_test, place, key, turn)
    SELECT $1, $2, count(*), $3, $4 FROM joined WHERE stage_id = $1 AND is_test = $2
        ON CONFLICT (stage_id, is_test, key, turn, repeat) DO NOTHING
    RETURNING place
"""


async def add_arrival(conn: Connection, dependency: OutgoingDependency, origin: Submission) -> bool:
    """Note that a submission upstream is located; true for the one that completes what belongs together.

    Run it under the lock of the dataset that the joining stage works on, so that whoever comes last sees
    that all the others are there.
    """
    by = find_join_key(dependency.split)
    if by is None:
        return False
    key = (await find_keys(conn, by, [origin.id]))[origin.id]
    stage = dependency.downstream_id, origin.is_test
    arrived = await fetch_one(conn, JoinArrival, ARRIVE, *stage, dependency.id, origin.id, key)
    if arrived is None:
        return False
    parents = await fetch_many(conn, int, PARENTS, dependency.downstream_id)
    there = await fetch_many(conn, int, THERE, *stage, arrived.key, arrived.turn)
    if not is_complete(parents, there):
        return False
    return await conn.fetchval(COMPLETE, *stage, arrived.key, arrived.turn) is not None


# A place of it that the cursor has not passed takes what came late with all the rest.
REPEAT = """
    INSERT INTO joined (stage_id, is_test, place, key, turn, repeat)
    SELECT j.stage_id, j.is_test, (SELECT count(*) FROM joined WHERE stage_id = j.stage_id AND is_test = j.is_test),
           j.key, j.turn, max(j.repeat) + 1
      FROM join_arrival a
      JOIN joined j USING (stage_id, is_test, key, turn)
      JOIN stage g ON g.id = j.stage_id
     WHERE a.dependency_id = $1 AND a.origin_id = $2
     GROUP BY j.stage_id, j.is_test, j.key, j.turn, g.id
    HAVING max(j.place) < (CASE WHEN j.is_test THEN g.test_cursor ELSE g.cursor END #>> '{}')::bigint
"""


async def repeat_set(conn: Connection, dependency: OutgoingDependency, origin: Submission) -> None:
    """Let what came late for a complete set be a slice of its own; run it under the lock that `add_arrival` needs."""
    await conn.execute(REPEAT, dependency.id, origin.id)
