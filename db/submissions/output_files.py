"""Outputs of submissions: declared by jobs, located when the file itself has been seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.changes import sign_as_service
from db.files.datasets import EMBEDDED_NAME
from db.pool import Connection, Database, fetch_many
from db.submissions.submissions import tell_moves
from domain.changes import ServicePart
from domain.submissions.file_states import OUTPUTS_QUESTION, OutputState


@dataclass(frozen=True, slots=True)
class OutputFile:
    """One row of `output_file`."""

    submission_id: int
    number: int
    attempt: int
    name: str
    path: str
    size: int
    checksum: str
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


COLUMNS = ", ".join(OutputFile.__dataclass_fields__)

DECLARE = """
    WITH x AS (
        SELECT * FROM jsonb_to_recordset($1) AS x (submission_id bigint, number int, attempt int, name text,
               path text, size bigint, checksum text, parents bigint[], made_from text[], ancestors jsonb,
               events bigint, metadata jsonb, state output_state)
    ), put AS (
        INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, parents, made_from,
                                 ancestors, events, metadata, state)
        SELECT submission_id, number, attempt, name, path, size, checksum, parents, coalesce(made_from, '{}'),
               nullif(ancestors, 'null'), events, metadata, state
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


async def declare_outputs(conn: Connection, outputs: Sequence[dict[str, Any]]) -> None:
    """Write down what jobs say they made."""
    await conn.execute(DECLARE, list(outputs))


# How many steps it is at most below the inputs of its job: more than what it was made from.
DEPTH = "coalesce((SELECT max(step::int) FROM jsonb_object_keys(ancestors) AS step), 1)"
DEPTHS = f"SELECT DISTINCT {DEPTH} FROM output_file WHERE submission_id = $1 AND state = 'declared' ORDER BY 1"


async def list_declared_depths(db: Database, submission_id: int) -> list[int]:
    """How many steps below the inputs of their jobs the outputs are that nobody has seen yet."""
    return await fetch_many(db, int, DEPTHS, submission_id)


# Without their metadata: of many outputs these may be more than a process can hold.
DECLARED = f"""
    SELECT {COLUMNS.replace("metadata", "'{}'::jsonb AS metadata")} FROM output_file
     WHERE submission_id = $1 AND state = 'declared' AND (number, name) > ($2, $3)
       AND ($4::int IS NULL OR {DEPTH} = $4)
     ORDER BY number, name LIMIT $5
"""


async def list_declared(
    db: Database, submission_id: int, after: tuple[int, str], bound: int, depth: int | None = None
) -> list[OutputFile]:
    """The next outputs that nobody has seen yet, of one depth or of all; their metadata are left out."""
    return await fetch_many(db, OutputFile, DECLARED, submission_id, *after, depth, bound)


METADATA = """
    SELECT o.number, o.name, o.metadata
      FROM output_file o JOIN unnest($2::int[], $3::text[]) AS k (number, name) USING (number, name)
     WHERE o.submission_id = $1
"""


async def find_metadata(
    db: Database, submission_id: int, keys: Sequence[tuple[int, str]]
) -> dict[tuple[int, str], dict[str, Any]]:
    """The metadata of some outputs, by job and name."""
    numbers, names = [number for number, _ in keys], [name for _, name in keys]
    rows = await db.fetch(METADATA, submission_id, numbers, names)
    return {(row["number"], row["name"]): row["metadata"] for row in rows}


# A name that the experiment has with another size or checksum is somebody else's file: such an output stays declared,
# until it is refused. A file that is there already stays as and where it is (a trigger holds that, too).
# Of outputs that were made from each other whichever is located later is joined with those that are there.
# Of an outside catalog a name is always one file: where that is known without a checksum, or with one of another
# algorithm, its size decides.
LOCATE = """
    WITH x AS (
        SELECT o.*
          FROM output_file o JOIN unnest($2::int[], $3::text[]) AS k (number, name) USING (number, name)
         WHERE o.submission_id = $1 AND o.state = 'declared'
    ), put AS (
        INSERT INTO file (experiment_id, name, size, checksum, events, metadata, location, submission_id, catalog,
                          test_of)
        SELECT DISTINCT ON (x.name) s.experiment_id, x.name, x.size,
               CASE WHEN $4 = 'embedded' THEN x.checksum ELSE nullif(x.checksum, '') END, x.events, x.metadata,
               CASE WHEN $4 = 'embedded' THEN x.path ELSE nullif(x.path, '') END, s.id, $4,
               CASE WHEN s.is_test THEN coalesce(s.origin_id, s.id) ELSE 0 END
          FROM x JOIN submission s ON s.id = x.submission_id
         ORDER BY x.name, x.number
            ON CONFLICT (experiment_id, name, test_of) DO UPDATE
           SET location = coalesce(file.location, excluded.location)
         WHERE file.size = excluded.size AND (file.checksum = excluded.checksum OR $4 <> 'embedded')
        RETURNING id, name, size, checksum
    ), taken AS (
        SELECT x.*, put.id
          FROM x JOIN put ON put.name = x.name AND put.size = x.size
                         AND (put.checksum = x.checksum OR $4 <> 'embedded')
    ), there AS (
        SELECT number, name, made_from, id FROM taken
         UNION ALL
        SELECT number, name, made_from, file_id FROM output_file
         WHERE submission_id = $1 AND number = ANY($2) AND state = 'located'
    ), parent AS (
        INSERT INTO file_parent (child_id, parent_id)
        SELECT taken.id, p FROM taken, unnest(taken.parents) p WHERE p <> taken.id
         UNION
        SELECT c.id, p.id
          FROM there c CROSS JOIN unnest(c.made_from) AS m (name)
          JOIN there p ON p.number = c.number AND p.name = m.name
            ON CONFLICT DO NOTHING
    ), located AS (
        UPDATE output_file o SET state = 'located', file_id = taken.id, problem = NULL
          FROM taken
         WHERE o.submission_id = $1 AND o.number = taken.number AND o.name = taken.name AND o.state = 'declared'
        RETURNING o.events
    )
    UPDATE submission
       SET outputs_located = outputs_located + d.n, outputs_declared = outputs_declared - d.n,
           events_located = events_located + d.events, revision = revision + 1
      FROM (SELECT count(*) AS n, coalesce(sum(events), 0) AS events FROM located) d
     WHERE id = $1 AND d.n > 0
    RETURNING d.n
"""


async def locate_outputs(
    conn: Connection,
    submission_id: int,
    found: Sequence[tuple[int, str]],
    catalog: str = EMBEDDED_NAME,
) -> int:
    """Put confirmed outputs, by job and name, among the files of a catalog; returns how many it took."""
    numbers, names = [number for number, _ in found], [name for _, name in found]
    return await conn.fetchval(LOCATE, submission_id, numbers, names, catalog) or 0


@dataclass(frozen=True, slots=True)
class NameConflict:
    """An output whose name another file of the experiment has, and who made that one."""

    number: int
    name: str
    maker_id: int | None
    """The submission; None: somebody added the file."""
    maker_number: int | None


CONFLICTS = """
    SELECT o.number, o.name, f.submission_id AS maker_id,
           (SELECT min(m.number) FROM output_file m
             WHERE m.submission_id = f.submission_id AND m.name = f.name AND m.file_id = f.id) AS maker_number
      FROM unnest($2::int[], $3::text[]) AS k (number, name)
      JOIN output_file o ON o.submission_id = $1 AND o.number = k.number AND o.name = k.name AND o.state = 'declared'
      JOIN submission s ON s.id = o.submission_id
      JOIN file f ON f.experiment_id = s.experiment_id AND f.name = o.name
                 AND f.test_of = CASE WHEN s.is_test THEN coalesce(s.origin_id, s.id) ELSE 0 END
     ORDER BY o.number, o.name
"""


async def list_conflicts(
    conn: Connection, submission_id: int, left: Sequence[OutputFile]
) -> list[NameConflict]:
    """Of confirmed outputs that `locate_outputs` did not take: what they are in conflict with."""
    numbers, names = [o.number for o in left], [o.name for o in left]
    return await fetch_many(conn, NameConflict, CONFLICTS, submission_id, numbers, names)


# What was found first stays the submission's reason: it is the one that most likely explains the others.
ASK = """
    reason = CASE WHEN reason = '' THEN $5 ELSE reason END,
    decision_needed = CASE WHEN decision_needed = '' AND state <> 'located' THEN $6 ELSE decision_needed END,
    revision = revision + 1
"""

REFUSE = f"""
    WITH refused AS (
        UPDATE output_file o SET state = 'refused', problem = k.problem
          FROM unnest($2::int[], $3::text[], $4::text[]) AS k (number, name, problem)
         WHERE o.submission_id = $1 AND o.number = k.number AND o.name = k.name AND o.state = 'declared'
        RETURNING o.number
    ), moved AS (
        UPDATE submission
           SET outputs_refused = outputs_refused + d.n, outputs_declared = outputs_declared - d.n, {ASK}
          FROM (SELECT count(*) AS n FROM refused) d
         WHERE id = $1 AND d.n > 0
        RETURNING submission.*
    )
    {tell_moves(sign_as_service(ServicePart.ADVANCE))}
"""


async def refuse_outputs(
    conn: Connection, submission_id: int, refused: Sequence[tuple[NameConflict, str]]
) -> None:
    """Let outputs never become files, for these reasons; the submission shows the first, and asks."""
    if refused:
        numbers, names = [c.number for c, _ in refused], [c.name for c, _ in refused]
        problems = [problem for _, problem in refused]
        first = f"{names[0]} of job {numbers[0]} was refused: {problems[0]}"
        await conn.execute(REFUSE, submission_id, numbers, names, problems, first, OUTPUTS_QUESTION)


MISS = """
    UPDATE output_file o SET problem = k.problem
      FROM unnest($2::int[], $3::text[], $4::text[]) AS k (number, name, problem)
     WHERE o.submission_id = $1 AND o.number = k.number AND o.name = k.name AND o.state = 'declared'
       AND o.problem IS DISTINCT FROM k.problem
"""
# Only what is new is asked about: a decision that was made about it stays made.
MISS_AND_ASK = f"""
    WITH missed AS ({MISS} RETURNING o.number), moved AS (
        UPDATE submission SET {ASK} WHERE id = $1 AND EXISTS (SELECT FROM missed) RETURNING submission.*
    )
    {tell_moves(sign_as_service(ServicePart.ADVANCE))}
"""


async def record_missing(
    conn: Connection, submission_id: int, missed: Sequence[tuple[OutputFile, str]], *, ask: bool
) -> None:
    """Note what a look at these outputs found instead of the files; `ask`: the submission shows it, and asks."""
    if missed:
        numbers, names = [o.number for o, _ in missed], [o.name for o, _ in missed]
        problems = [problem for _, problem in missed]
        first = f"{names[0]} of job {numbers[0]} is not located: {problems[0]}"
        more = (first, OUTPUTS_QUESTION) if ask else ()
        await conn.execute(
            MISS_AND_ASK if ask else MISS, submission_id, numbers, names, problems, *more
        )


# An output that was made from others of its job may be of several generations.
OF_GENERATION = """
    CASE WHEN $1::int = 1 THEN o.made_from = '{}' OR o.parents <> '{}' ELSE coalesce(o.ancestors ? $1::text, false) END
"""

LOCATED_FILES = f"""
    SELECT o.file_id, o.name FROM output_file o
     WHERE o.submission_id = ANY($2::bigint[]) AND o.state = 'located' AND o.file_id > $3 AND {OF_GENERATION}
     ORDER BY o.file_id LIMIT $4
"""


async def list_located(
    db: Database, depth: int, submission_ids: Sequence[int], after: int, bound: int
) -> list[tuple[int, str]]:
    """The next located outputs (catalog's file id, name) of these submissions, so many steps below the inputs."""
    rows = await db.fetch(LOCATED_FILES, depth, submission_ids, after, bound)
    return [(row["file_id"], row["name"]) for row in rows]
