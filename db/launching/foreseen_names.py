"""Names of outputs that can be told before a launch, and that other files of the experiment have."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.launching.launch_plans import PlannedSubmission
from db.pool import Database, fetch_many, fetch_one
from domain.campaigns.dependencies import convert_pattern_to_regex
from domain.submissions.file_states import describe_maker, is_fixed_name

MOST_FILES = 10_000
"""Of so many files of a slice it is looked what was made of them."""


@dataclass(frozen=True, slots=True)
class TakenName:
    """A file of the experiment that has the name, and the submission that made it, if one did."""

    name: str
    maker_id: int | None


TAKEN = """
    SELECT f.name, f.submission_id AS maker_id
      FROM file f JOIN stage s ON s.experiment_id = f.experiment_id
     WHERE s.id = $1 AND f.name = ANY($2::text[]) AND f.test_of = 0 ORDER BY f.name
"""


def render_output_query(worked_on: str, patterns: str) -> str:
    """A statement that finds one output of the files that a common table expression lists."""
    return f"""
        {worked_on}
        SELECT c.name, c.submission_id AS maker_id
          FROM worked_on w JOIN file_parent p ON p.parent_id = w.file_id JOIN file c ON c.id = p.child_id
         WHERE c.test_of = 0 AND c.name ~ ANY({patterns}::text[]) LIMIT 1
    """


RANGE = f"""
    WITH worked_on AS (
        SELECT file_id FROM dataset_file WHERE dataset_id = $1 AND ordinal >= $2 AND ordinal < $3
         ORDER BY ordinal LIMIT {MOST_FILES}
    )
"""

LISTED = """
    WITH worked_on AS (
        SELECT d.file_id
          FROM unnest(($2::bigint[])[1:$3]) AS x (ordinal)
          JOIN dataset_file d ON d.dataset_id = $1 AND d.ordinal = x.ordinal
    )
"""

MADE_OF_RANGE, MADE_OF_LISTED = (
    render_output_query(RANGE, "$4"),
    render_output_query(LISTED, "$4"),
)


async def warn_of_launch(db: Database, planned: PlannedSubmission) -> list[str]:
    """What is to be said of names that a launch's outputs will have, or may well have."""
    if planned.is_test:  # they have names of their own
        return []
    stage, taken = planned.stage, planned.slice
    fixed, open_ = divide_patterns(planned.configuration.patterns)
    made = None
    if open_ and not stage.generates and taken.listed is None:
        between = taken.low, taken.high
        made = await fetch_one(db, TakenName, MADE_OF_RANGE, stage.dataset_id, *between, open_)
    elif open_ and not stage.generates:
        first = taken.listed, MOST_FILES
        made = await fetch_one(db, TakenName, MADE_OF_LISTED, stage.dataset_id, *first, open_)
    return [
        *await warn_of_fixed_names(db, stage.id, fixed, len(planned.starts)),
        *warn_of_existing_output(made),
    ]


def divide_patterns(patterns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names that patterns fix, and the other patterns as regular expressions."""
    fixed = [pattern for pattern in patterns if is_fixed_name(pattern)]
    return fixed, [
        convert_pattern_to_regex(pattern) for pattern in patterns if pattern not in fixed
    ]


async def warn_of_fixed_names(
    db: Database, stage_id: int, names: list[str], jobs: int
) -> list[str]:
    """What is to be said of names that the patterns fix: of several jobs, and of files that are there."""
    twice = [
        f"Each of {jobs} jobs is to make {name}: only the first one's is kept." for name in names
    ]
    taken = await fetch_many(db, TakenName, TAKEN, stage_id, names)
    there = [
        f"The experiment has a file {one.name}, {describe_maker(one.maker_id)}." for one in taken
    ]
    return [*(twice if jobs > 1 else ()), *there]


def warn_of_existing_output(made: TakenName | None) -> list[str]:
    """What is to be said where an output of the files is there already."""
    if made is None:
        return []
    whose = describe_maker(made.maker_id)
    return [
        f"Of its files there are outputs already, such as {made.name}, {whose}: one of the same name is refused."
    ]
