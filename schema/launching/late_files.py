"""Files that came after the launch for which they were meant, as a client sees them."""

import strawberry

from db.launching import late_files
from db.submissions import recovery_chain
from door.describe import declare_object_type
from schema.context import Info
from schema.ids import node_id
from schema.numbers import BigInt


@declare_object_type
class LateFiles:
    """Files that wait for the next slice of a stage."""

    stage_id: strawberry.ID
    """The stage."""
    files: BigInt
    """How many."""
    names: list[str]
    """The first 20 of their names."""

    @classmethod
    def of(cls, row: late_files.LateFileCount) -> "LateFiles":
        """Show a row."""
        return cls(stage_id=node_id("stage", row.stage_id), files=row.files, names=row.names)


async def list_late_files(info: Info, origin_id: int) -> list[LateFiles]:
    """Those that an origin and its recoveries made, by the stages for which they came late."""
    family = await recovery_chain.list_members(info.context.db, origin_id)
    rows = await late_files.list_late_files(
        info.context.db, family[0], [member.id for member in family]
    )
    return [LateFiles.of(row) for row in rows]
