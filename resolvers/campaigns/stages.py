"""Reading stages and dependencies."""

import strawberry

from door.describe import declare_object_type
from resolvers import nodes
from schema.campaigns.stages import Dependency, Stage
from schema.campaigns.stages import load_stage as shown
from schema.context import Info
from schema.fields import declare_query
from schema.ids import parse_node_id


@declare_object_type
class StageQueries:
    """Reading stages."""

    @declare_query()
    async def stage(self, info: Info, id: strawberry.ID) -> Stage | None:
        """One step of a campaign."""
        key = parse_node_id(id, "stage")
        return None if key is None else await shown(info, key)


async def _find_dependency(info: Info, key: int) -> Dependency | None:
    row = await info.context.load.dependency.load(key)
    if row is None or await shown(info, row.upstream_id) is None:
        return None
    return Dependency.of(row)


nodes.register_kind("dependency", _find_dependency)
