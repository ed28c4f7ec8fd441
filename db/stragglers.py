"""Files that came after a submission's dependents were launched, and that no slice of theirs has yet."""

from dataclasses import dataclass

from db import families, slices
from db.families import Dependency
from db.pool import Connection, Database, many
from db.slices import Outcome
from db.submissions import Submission
from db.taking import Asked

MOST_SLICES = 1000
"""Launched for one trigger; what is left waits for the stage's next launch."""


@dataclass(frozen=True, slots=True)
class Late:
    """How many files wait for the next slice of a stage, and the first of their names."""

    dependency_id: int
    stage_id: int
    files: int
    names: list[str]


# What joins waits for its others, not for a button. A slice that keeps neither range nor list (its split takes the
# same again and again) had all that was there then.
LATE = """
    SELECT d.id AS dependency_id, g.id AS stage_id, count(*) AS files,
           (array_agg(o.name ORDER BY o.name))[1:20] AS names
      FROM dependency d
      JOIN stage g ON g.id = d.downstream_id
      CROSS JOIN LATERAL (SELECT CASE WHEN $3::boolean THEN g.test_dataset_id ELSE g.dataset_id END AS dataset_id,
                                 CASE WHEN $3 THEN g.test_epoch ELSE g.epoch END AS epoch) e
      JOIN output_file o ON o.submission_id = ANY($2::bigint[]) AND o.state = 'located'
      JOIN dataset_file f ON f.dataset_id = e.dataset_id AND f.file_id = o.file_id
     WHERE d.upstream_id = $1 AND d.active AND g.active AND d.upstream_id <> d.downstream_id
       AND d.trigger = 'per_parent'
       AND NOT EXISTS (SELECT FROM slice x WHERE x.stage_id = g.id AND x.epoch = e.epoch AND x.ordinals @> f.ordinal)
       AND NOT EXISTS (SELECT FROM slice_file x
                        WHERE x.stage_id = g.id AND x.epoch = e.epoch AND x.file_id = f.file_id)
       AND NOT EXISTS (SELECT FROM slice x JOIN snapshot n ON n.id = x.snapshot_id
                        WHERE x.stage_id = g.id AND x.epoch = e.epoch AND x.ordinals IS NULL AND x.key IS NULL
                          AND n.head > f.ordinal)
     GROUP BY d.id, g.id ORDER BY d.id
"""


async def late(db: Database, origin: Submission, family: list[int]) -> list[Late]:
    """What of a family's files waits, by the stage that they wait for; nothing before dependents were launched."""
    if origin.fired_at is None:
        return []
    return await many(db, Late, LATE, origin.stage_id, family, origin.is_test)


NEXT = """
    SELECT coalesce(max(trigger_no), -1) + 1 FROM submission WHERE upstream_id = $1 AND dependency_id = $2
"""


async def launch(
    conn: Connection, dependency: Dependency, origin: Submission, person_id: int | None = None
) -> list[Outcome]:
    """Take every slice that the stage's split makes of what it was fed; of a self-edge, the next one.

    The last of them says why there were no more. They are the person's, or of whom the origin is.
    """
    made: list[Outcome] = []
    first = int(await conn.fetchval(NEXT, origin.id, dependency.id))
    for number in range(first, first + (1 if dependency.is_self_edge else MOST_SLICES)):
        asked = Asked(
            person_id=person_id or origin.created_by,
            is_test=origin.is_test,
            upstream_id=origin.id,
            dependency_id=dependency.id,
            trigger_no=number,
        )
        made.append(await slices.launch_next(conn, dependency.downstream_id, asked))
        if made[-1].submission is None:
            break
    return made


async def launch_late(conn: Connection, origin_id: int, person_id: int) -> list[Outcome]:
    """Launch the stages for which files of this family wait, for a person."""
    family = await families.lock(conn, origin_id)
    waiting = await late(conn, family[0], [member.id for member in family])
    wanted = {one.dependency_id for one in waiting}
    edges = await families.outgoing(conn, family[0].stage_id)
    return [
        outcome
        for edge in edges
        if edge.id in wanted
        for outcome in await launch(conn, edge, family[0], person_id)
    ]
