"""Reading stages and dependencies."""

import strawberry

from door.describe import thing
from resolvers import nodes
from schema.context import Info
from schema.fields import reads
from schema.ids import number
from schema.stages import Dependency, Stage
from schema.stages import stage as shown


@thing
class StageQueries:
    """Reading stages."""

    @reads()
    async def stage(self, info: Info, id: strawberry.ID) -> Stage | None:
        """One step of a campaign."""
        key = number(id, "stage")
        return None if key is None else await shown(info, key)


async def _dependency(info: Info, key: int) -> Dependency | None:
    row = await info.context.load.dependency.load(key)
    if row is None or await shown(info, row.upstream_id) is None:
        return None
    return Dependency.of(row)


nodes.kind("dependency", _dependency)
