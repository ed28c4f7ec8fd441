"""Looking at what a stage that joins waits for."""

from collections.abc import Mapping, Sequence

import strawberry

from db.launching import join_tables
from domain.campaigns.joins import JoinedSubmission, Row, find_join_key
from door.describe import declare_object_type
from door.pages import make_input_error
from schema.campaigns.stages import Stage, load_stage
from schema.context import Info
from schema.fields import declare_query
from schema.ids import parse_node_id
from schema.launching.joins import JoinParent, JoinRow, JoinTable
from schema.submissions.submissions import Submission

MOST = 50


@declare_object_type
class JoinQueries:
    """Looking at joins."""

    @declare_query(weight=200)
    async def preview_join(
        self, info: Info, id: strawberry.ID, *, is_test: bool = False, most: int = MOST
    ) -> JoinTable | None:
        """Which submissions of the stages upstream go together for a stage that joins, the newest of them;
        null for any other stage. Who hasn't come yet stands where it will, as things are now."""
        if not 1 <= most <= MOST:
            raise make_input_error(f"most is 1 to {MOST}.")
        key = parse_node_id(id, "stage")
        shown = await load_stage(info, key) if key else None
        by = find_join_key(shown.row.split) if shown else None
        if shown is None or by is None:
            return None
        db, row = info.context.db, shown.row
        rows = await join_tables.list_rows(db, row.id, by, most, is_test=is_test)
        epoch = row.test_epoch if is_test else row.epoch
        launched = await join_tables.find_launched(db, row.id, epoch, rows)
        edges = await join_tables.find_parents(db, row.id)
        stages = {edge: await load_stage(info, upstream) for edge, upstream in edges.items()}
        there = {edge: of for edge, of in stages.items() if of is not None}
        newest = sorted(rows, key=lambda one: max(p.submission_id for p in rows[one]))[-most:]
        submissions = await _find_table_submissions(info, rows, launched)
        return JoinTable(
            by=by,
            parents=list(there.values()),
            rows=[
                _build_join_row(one, rows[one], there, submissions, launched.get(one))
                for one in reversed(newest)
            ],
        )


async def _find_table_submissions(
    info: Info, rows: Mapping[Row, Sequence[JoinedSubmission]], launched: Mapping[Row, int]
) -> dict[int, Submission]:
    """All that stand in the table, which are of the stage's experiment."""
    ids = {parent.submission_id for row in rows.values() for parent in row}
    found = await info.context.load.submission.load_many([*ids, *launched.values()])
    return {row.id: Submission.of(row) for row in found if row is not None}


def _build_join_row(
    row: Row,
    parents: Sequence[JoinedSubmission],
    stages: Mapping[int, Stage],
    submissions: Mapping[int, Submission],
    launched: int | None,
) -> JoinRow:
    of = {parent.dependency_id: parent.submission_id for parent in parents}
    come = {parent.dependency_id for parent in parents if parent.turn is not None}
    return JoinRow(
        key=row[0],
        turn=row[1],
        parents=[
            JoinParent(
                stage=shown, submission=submissions.get(of.get(edge, 0)), is_ready=edge in come
            )
            for edge, shown in stages.items()
        ],
        is_complete=come >= stages.keys(),
        submission=submissions.get(launched or 0),
    )
