"""What has arrived for stages that join, and what of it is complete."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.families import Dependency
from db.pool import Connection, Database, many, one
from db.submissions import Submission
from domain.joins import Facts, JoinKey, is_complete, joined_by, key_of

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


async def keys(db: Database, by: JoinKey, submission_ids: Sequence[int]) -> dict[int, str]:
    """What these submissions belong to."""
    found = await many(db, Facts, FACTS, submission_ids, by is JoinKey.LINEAGE)
    return {facts.submission_id: key_of(by, facts) for facts in found}


@dataclass(frozen=True, slots=True)
class Arrived:
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
        ON CONFLICT (stage_id, is_test, key, turn) DO NOTHING
    RETURNING place
"""


async def arrive(conn: Connection, dependency: Dependency, origin: Submission) -> bool:
    """Note that a submission upstream is located; true for the one that completes what belongs together.

    Run it under the lock of the dataset that the joining stage works on, so that whoever comes last sees
    that all the others are there.
    """
    by = joined_by(dependency.split)
    if by is None:
        return False
    key = (await keys(conn, by, [origin.id]))[origin.id]
    stage = dependency.downstream_id, origin.is_test
    arrived = await one(conn, Arrived, ARRIVE, *stage, dependency.id, origin.id, key)
    if arrived is None:
        return False
    parents = await many(conn, int, PARENTS, dependency.downstream_id)
    there = await many(conn, int, THERE, *stage, arrived.key, arrived.turn)
    if not is_complete(parents, there):
        return False
    return await conn.fetchval(COMPLETE, *stage, arrived.key, arrived.turn) is not None
