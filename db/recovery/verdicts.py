"""What is known of the files of a submission's family, and the rule's word on each: parts of statements.

`judged` has a row for each file (of a generator: unit) of the family, as the newest submission that has it
knows it, and for each file that was added; `taken` are those that a recovery takes. The rule comes as a
table from facts to why: nothing is decided here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

from domain.recovery.verdicts import RecoveryVerdict


@dataclass(frozen=True, slots=True)
class RecoveryRequest:
    """What a plan is made of: $1 to $16 of each statement."""

    family: Sequence[int]
    stage_id: int
    is_test: bool
    version: str
    answers: Mapping[str, RecoveryVerdict]
    taken: Sequence[RecoveryVerdict]
    asks_jobs: bool
    asks_outputs: bool
    patterns: Sequence[str]
    """Regular expressions."""
    depth: int
    dataset_id: int | None
    """Where files may have been added; None: nowhere."""
    low: int
    high: int
    """From which to below which ordinal."""
    run: int | None
    """Only those of this run, and of them only what no slice of the epoch has."""
    epoch: int
    files_per_job: int
    """Of the added ones: one, where a job is bounded by what they weigh."""

    @property
    def args(self) -> tuple[object, ...]:
        """The values in their order."""
        return astuple(self)


# Descendants of each file, or of each unit by its identity: the family's own outputs first, then their children.
LINE = """
    output AS (
        SELECT p AS key, o.file_id FROM output_file o CROSS JOIN unnest(o.parents) AS p
         WHERE $8::boolean AND o.submission_id = ANY($1::bigint[]) AND o.state = 'located'
         UNION
        SELECT u.index AS key, o.file_id
          FROM output_file o JOIN work_unit u ON u.submission_id = o.submission_id AND u.number = o.number
         WHERE $8 AND o.submission_id = ANY($1) AND u.submission_id = ANY($1) AND o.state = 'located'
           AND u.index IS NOT NULL AND o.made_from = '{}'
    ), line AS (
        SELECT key, file_id, 1 AS depth FROM output
         UNION
        SELECT line.key, p.child_id, depth + 1 FROM line JOIN file_parent p ON p.parent_id = line.file_id
         WHERE depth < $10::int
    ), made AS (
        SELECT key FROM line JOIN file f ON f.id = line.file_id CROSS JOIN unnest($9::text[]) AS pattern
         WHERE depth = $10 AND f.name ~ pattern
         GROUP BY key HAVING count(DISTINCT pattern) = cardinality($9)
    ),
"""

# Of each file the newest submission of the family counts, and of a unit that of its identity. A job's end is what
# became of its unit.
KNOWN = """
    found AS (
        SELECT DISTINCT ON (file_id) submission_id, number, file_id, delivery, outcome
          FROM input_file WHERE submission_id = ANY($1) ORDER BY file_id, submission_id DESC
    ), identity AS (
        SELECT DISTINCT ON (u.index) u.submission_id, u.number, u.index,
               CASE WHEN j.attempt = 0 THEN 'waiting' ELSE 'consumed' END::delivery AS delivery,
               CASE WHEN j.state = 'succeeded' THEN 'done' WHEN j.attempt = 0 THEN 'none' ELSE 'failed' END::outcome
                   AS outcome
          FROM work_unit u JOIN job j ON j.submission_id = u.submission_id AND j.number = u.number
         WHERE u.submission_id = ANY($1) AND j.submission_id = ANY($1) AND u.index IS NOT NULL
         ORDER BY u.index, u.submission_id DESC
    ), fresh AS (
        SELECT ((row_number() OVER (ORDER BY d.ordinal) - 1) / $16::int)::int AS number, d.file_id
          FROM dataset_file d
         WHERE d.dataset_id = $11::bigint AND d.ordinal >= $12::bigint AND d.ordinal < $13::bigint
           AND ($14::int IS NULL OR d.run = $14)
           AND NOT EXISTS (SELECT FROM found WHERE found.file_id = d.file_id)
           AND ($14 IS NULL OR NOT EXISTS (SELECT FROM slice_file s WHERE s.stage_id = $2::bigint
                                              AND s.epoch = $15::int AND s.file_id = d.file_id))
    ), known AS (
        SELECT submission_id, number, file_id, file_id AS key, delivery, outcome, false AS added FROM found
         UNION ALL
        SELECT submission_id, number, NULL, index, delivery, outcome, false FROM identity
         UNION ALL
        SELECT 0, number, file_id, file_id, 'waiting', 'none', true FROM fresh
    ),
"""

# `->>` and no join with the rule's table: of such a join the planner would expect one row, and go on in squares.
JUDGED = """
    judged AS (
        SELECT k.*, $5::jsonb ->> concat(
                   k.delivery, '/', k.outcome, '/', NOT $7::boolean OR j.state = 'succeeded', m.key IS NOT NULL,
                   k.added, CASE WHEN l.file_id IS NOT NULL THEN '/live' WHEN p.file_id IS NOT NULL THEN '/done'
                                 WHEN w.key IS NOT NULL THEN '/waived' ELSE '/nowhere' END) AS why
          FROM known k
          LEFT JOIN job j ON $7 AND j.submission_id = ANY($1) AND j.submission_id = k.submission_id
                         AND j.number = k.number
          LEFT JOIN made m ON m.key = k.key
          LEFT JOIN live_file l ON l.stage_id = $2 AND l.is_test = $3::boolean AND l.file_id = k.file_id
          LEFT JOIN processed_file p ON p.stage_id = $2 AND p.version = $4::text AND p.is_test = $3
                                    AND p.file_id = k.file_id AND k.outcome <> 'done'
          LEFT JOIN waived_input w ON w.submission_id = ANY($1) AND w.submission_id = k.submission_id AND w.key = k.key
    ), taken AS MATERIALIZED (
        SELECT submission_id, number, file_id, key, outcome, added FROM judged WHERE why = ANY($6::text[])
    )
"""

VERDICTS = LINE + KNOWN + JUDGED
