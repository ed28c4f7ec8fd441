"""Reading how batch systems are."""

from db import batch_systems
from door.describe import thing
from schema.batch_systems import BatchSystem
from schema.context import Info
from schema.fields import reads


@thing
class BatchSystemQueries:
    """Reading how batch systems are."""

    @reads()
    async def batch_systems(self, info: Info) -> list[BatchSystem]:
        """Where jobs run, by name. To watch them: `changes` of kind `batch_system.`, then ask again."""
        return [BatchSystem.of(row) for row in await batch_systems.every(info.context.db)]
