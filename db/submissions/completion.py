"""What of a submission's work has all the results that it should have: counted from names, never from a job's word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from db.pool import Database, fetch_many, fetch_one
from db.submissions.output_files import OF_GENERATION
from db.submissions.submissions import Submission
from domain.submissions.completion import choose_patterns, compile_patterns

# Of the stages that are fed or launched after it.
PATTERNS = """
    SELECT DISTINCT p FROM dependency d JOIN stage s ON s.id = d.downstream_id CROSS JOIN unnest(d.patterns) AS p
     WHERE d.upstream_id = $1 AND d.active AND s.active ORDER BY p
"""


async def list_patterns(db: Database, stage_id: int) -> list[str]:
    """The patterns that the dependencies of the stages after this one name."""
    return await fetch_many(db, str, PATTERNS, stage_id)


@dataclass(frozen=True, slots=True)
class ResultsWanted:
    """Whose results are looked at: $1 to $5 of each statement."""

    depth: int
    family: Sequence[int]
    """Submissions whose outputs count."""
    generates: bool
    submission_id: int
    """Of a generator: whose units want results."""
    patterns: Mapping[str, str]
    """By their regular expressions: an output of each is wanted."""

    @property
    def args(self) -> tuple[object, ...]:
        """The values in their order."""
        return self.depth, self.family, self.generates, self.submission_id, list(self.patterns)


async def find_wanted(
    db: Database, member: Submission, family: Sequence[Submission]
) -> ResultsWanted:
    """What a submission needs to be located: an origin together with its recoveries, a recovery by itself."""
    of_dependencies = await list_patterns(db, member.stage_id)
    patterns = choose_patterns(of_dependencies, member.runs_with.patterns)
    counted = family if member.origin_id is None else [member]
    return ResultsWanted(
        depth=member.output_ancestor_depth,
        family=[one.id for one in counted],
        generates=member.files == 0,
        submission_id=member.id,
        patterns=compile_patterns(patterns),
    )


# `wanted` are files that are done (by the family: what another submission of the stage did is `skipped`) or, of a
# generator, units by their first identity; `made` the names of what has been located so many steps below each. One
# output may match several expressions, or none. Both are put together by grouping, not by a join: of rows younger than
# its statistics the planner expects one, and would join in squares.
RESULTS = f"""
    WITH wanted AS (
        SELECT DISTINCT file_id AS key FROM input_file
         WHERE NOT $3::boolean AND submission_id = ANY($2::bigint[]) AND outcome = 'done' AND delivery <> 'skipped'
         UNION ALL
        SELECT index FROM work_unit WHERE $3 AND submission_id = $4::bigint
    ), made AS (
        SELECT p AS key, o.name
          FROM output_file o
         CROSS JOIN unnest(CASE WHEN $1::int = 1 THEN o.parents
                                ELSE ARRAY(SELECT jsonb_array_elements_text(o.ancestors -> $1::text)::bigint)
                           END) p
         WHERE o.submission_id = ANY($2) AND o.state = 'located' AND NOT $3
         UNION ALL
        SELECT u.index, o.name
          FROM output_file o JOIN work_unit u USING (submission_id, number)
         WHERE o.submission_id = ANY($2) AND u.submission_id = ANY($2)
           AND o.state = 'located' AND $3 AND {OF_GENERATION}
    ), result AS (
        SELECT key, array_agg(DISTINCT expression) FILTER (WHERE expression IS NOT NULL) AS has
          FROM (SELECT key, NULL AS expression, true AS is_wanted FROM wanted
                 UNION ALL
                SELECT key, expression, false
                  FROM made JOIN unnest($5::text[]) AS expression ON made.name ~ expression) x
         GROUP BY key HAVING bool_or(is_wanted)
    )
"""


@dataclass(frozen=True, slots=True)
class ResultCount:
    """How many files (of a generator: units) should have results, and how many have all of them."""

    wanted: int
    complete: int


COUNT = f"""
    {RESULTS}
    SELECT count(*) AS wanted, count(*) FILTER (WHERE cardinality(has) = cardinality($5)) AS complete FROM result
"""


async def count_results(db: Database, of: ResultsWanted) -> ResultCount:
    """Recount from the rows as they are."""
    found = await fetch_one(db, ResultCount, COUNT, *of.args)
    assert found is not None  # noqa: S101 - counts are one row
    return found


@dataclass(frozen=True, slots=True)
class ResultLacking:
    """A file (of a generator: unit) of which nothing located matches a pattern that is wanted."""

    name: str
    pattern: str


LACKING = f"""
    {RESULTS}, lacking AS (
        SELECT key, has FROM result WHERE coalesce(cardinality(has), 0) < cardinality($5) ORDER BY key LIMIT $7
    )
    SELECT coalesce(f.name, 'unit ' || key), w.pattern
      FROM lacking CROSS JOIN unnest($5, $6::text[]) AS w (expression, pattern)
      LEFT JOIN file f ON NOT $3 AND f.id = key
     WHERE has IS NULL OR w.expression <> ALL(has)
     ORDER BY key, w.pattern LIMIT $7
"""


async def list_lacking(db: Database, of: ResultsWanted, most: int) -> list[ResultLacking]:
    """The first of what is done and has not all of its results."""
    return await fetch_many(db, ResultLacking, LACKING, *of.args, list(of.patterns.values()), most)
