"""Outputs of submissions: declared by jobs, located when the file itself has been seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.pool import Connection, Database, many
from domain.files import OutputState


@dataclass(frozen=True, slots=True)
class Output:
    """One row of `output_file`."""

    submission_id: int
    number: int
    attempt: int
    name: str
    path: str
    size: int
    checksum: str
    pattern: str
    parents: list[int]
    made_from: list[str]
    ancestors: dict[str, list[int]] | None
    events: int | None
    metadata: dict[str, Any]
    state: OutputState
    file_id: int | None
    problem: str | None
    declared_at: datetime

    @property
    def generations(self) -> list[int]:
        """How many steps it is below the inputs of its job."""
        straight = [1] if self.parents or not self.made_from else []
        return [*straight, *sorted(map(int, self.ancestors or {}))]


COLUMNS = ", ".join(Output.__dataclass_fields__)

DECLARE = """
    WITH x AS (
        SELECT * FROM jsonb_to_recordset($1) AS x (submission_id bigint, number int, attempt int, name text,
               path text, size bigint, checksum text, pattern text, parents bigint[], made_from text[],
               ancestors jsonb, events bigint, metadata jsonb, state output_state)
    ), put AS (
        INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, pattern, parents,
                                 made_from, ancestors, events, metadata, state)
        SELECT submission_id, number, attempt, name, path, size, checksum, coalesce(pattern, ''), parents,
               coalesce(made_from, '{}'), nullif(ancestors, 'null'), events, metadata, state
          FROM x
            ON CONFLICT DO NOTHING
        RETURNING submission_id, state
    )
    UPDATE submission s
       SET outputs_declared = outputs_declared + d.declared, outputs_superseded = outputs_superseded + d.superseded
      FROM (SELECT submission_id, count(*) FILTER (WHERE state = 'declared') AS declared,
                   count(*) FILTER (WHERE state = 'superseded') AS superseded
              FROM put GROUP BY submission_id) d
     WHERE s.id = d.submission_id
"""


async def declare(conn: Connection, outputs: Sequence[dict[str, Any]]) -> None:
    """Write down what jobs say they made."""
    await conn.execute(DECLARE, list(outputs))


DECLARED = f"""
    SELECT {COLUMNS} FROM output_file
     WHERE submission_id = $1 AND state = 'declared' AND (number, name) > ($2, $3)
     ORDER BY number, name LIMIT $4
"""


async def declared(
    db: Database, submission_id: int, after: tuple[int, str], bound: int
) -> list[Output]:
    """The next outputs that nobody has seen yet."""
    return await many(db, Output, DECLARED, submission_id, *after, bound)


# A name that the experiment has with another size or checksum is somebody else's file: that output stays declared.
# Of outputs that were made from each other whichever is located later is joined with those that are there.
LOCATE = """
    WITH x AS (
        SELECT DISTINCT ON (o.name) o.*
          FROM output_file o JOIN unnest($2::int[], $3::text[]) AS k (number, name) USING (number, name)
         WHERE o.submission_id = $1 AND o.state = 'declared'
    ), put AS (
        INSERT INTO file (experiment_id, name, size, checksum, events, metadata, location, submission_id, test_of)
        SELECT s.experiment_id, x.name, x.size, x.checksum, x.events, x.metadata, x.path, s.id,
               CASE WHEN s.is_test THEN coalesce(s.origin_id, s.id) ELSE 0 END
          FROM x JOIN submission s ON s.id = x.submission_id
         ORDER BY x.name
            ON CONFLICT (experiment_id, name, test_of) DO UPDATE SET location = excluded.location
         WHERE file.size = excluded.size AND file.checksum = excluded.checksum
        RETURNING id, name
    ), there AS (
        SELECT x.number, x.name, x.made_from, put.id FROM x JOIN put USING (name)
         UNION ALL
        SELECT number, name, made_from, file_id FROM output_file
         WHERE submission_id = $1 AND number = ANY($2) AND state = 'located'
    ), parent AS (
        INSERT INTO file_parent (child_id, parent_id)
        SELECT put.id, p FROM put JOIN x USING (name), unnest(x.parents) p WHERE p <> put.id
         UNION
        SELECT c.id, p.id
          FROM there c CROSS JOIN unnest(c.made_from) AS m (name)
          JOIN there p ON p.number = c.number AND p.name = m.name
            ON CONFLICT DO NOTHING
    ), located AS (
        UPDATE output_file o SET state = 'located', file_id = put.id, problem = NULL
          FROM x JOIN put USING (name)
         WHERE o.submission_id = $1 AND o.number = x.number AND o.name = x.name AND o.state = 'declared'
        RETURNING o.events
    )
    UPDATE submission
       SET outputs_located = outputs_located + d.n, outputs_declared = outputs_declared - d.n,
           events_located = events_located + d.events, revision = revision + 1
      FROM (SELECT count(*) AS n, coalesce(sum(events), 0) AS events FROM located) d
     WHERE id = $1 AND d.n > 0
    RETURNING d.n
"""


async def locate(conn: Connection, submission_id: int, found: Sequence[Output]) -> int:
    """Put confirmed outputs into the catalog; returns how many it took."""
    numbers, names = [o.number for o in found], [o.name for o in found]
    return await conn.fetchval(LOCATE, submission_id, numbers, names) or 0


MISS = """
    UPDATE output_file o SET problem = k.problem
      FROM unnest($2::int[], $3::text[], $4::text[]) AS k (number, name, problem)
     WHERE o.submission_id = $1 AND o.number = k.number AND o.name = k.name AND o.state = 'declared'
       AND o.problem IS DISTINCT FROM k.problem
"""


async def miss(
    conn: Connection, submission_id: int, problems: Sequence[tuple[Output, str]]
) -> None:
    """Note what a look at these outputs found instead of the files."""
    numbers, names = [o.number for o, _ in problems], [o.name for o, _ in problems]
    await conn.execute(MISS, submission_id, numbers, names, [p for _, p in problems])


# An output that was made from others of its job may be of several generations.
OF_GENERATION = """
    CASE WHEN $1::int = 1 THEN o.made_from = '{}' OR o.parents <> '{}' ELSE coalesce(o.ancestors ? $1::text, false) END
"""

# Inputs (or, of a generator, units by their first identity) of which every pattern has a located file.
COVERED = f"""
    SELECT count(*) FROM (
        SELECT key FROM (
            SELECT p AS key, o.pattern
              FROM output_file o
             CROSS JOIN unnest(CASE WHEN $1::int = 1 THEN o.parents
                                    ELSE ARRAY(SELECT jsonb_array_elements_text(o.ancestors -> $1::text)::bigint)
                               END) p
             WHERE o.submission_id = ANY($2::bigint[]) AND o.state = 'located' AND NOT $3
             UNION ALL
            SELECT u.index AS key, o.pattern
              FROM output_file o JOIN work_unit u USING (submission_id, number)
             WHERE o.submission_id = ANY($2::bigint[]) AND u.submission_id = ANY($2::bigint[])
               AND o.state = 'located' AND $3 AND {OF_GENERATION}
        ) found GROUP BY key HAVING count(DISTINCT pattern) >= $4
    ) covered
"""


async def covered(
    db: Database, depth: int, submission_ids: Sequence[int], patterns: int, *, generates: bool
) -> int:
    """How many inputs or units have, so many steps below them, everything that they should have made."""
    return int(await db.fetchval(COVERED, depth, submission_ids, generates, max(patterns, 1)))


LOCATED_FILES = f"""
    SELECT o.file_id, o.name FROM output_file o
     WHERE o.submission_id = ANY($2::bigint[]) AND o.state = 'located' AND o.file_id > $3 AND {OF_GENERATION}
     ORDER BY o.file_id LIMIT $4
"""


async def located_files(
    db: Database, depth: int, submission_ids: Sequence[int], after: int, bound: int
) -> list[tuple[int, str]]:
    """The next located outputs (catalog's file id, name) of these submissions, so many steps below the inputs."""
    rows = await db.fetch(LOCATED_FILES, depth, submission_ids, after, bound)
    return [(row["file_id"], row["name"]) for row in rows]
