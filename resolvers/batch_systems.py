"""Reading how batch systems are, and pausing them."""

from db import batch_systems, gates
from domain.names import MOST_REASON, wrong_text
from door.describe import thing
from resolvers import tenants
from schema.batch_systems import (
    BatchSystem,
    PauseBatchSystemResult,
    ResumeBatchSystemResult,
)
from schema.context import Info
from schema.fields import changes, reads
from schema.problems import Invalid, NotFound


@thing
class BatchSystemQueries:
    """Reading how batch systems are."""

    @reads()
    async def batch_systems(self, info: Info) -> list[BatchSystem]:
        """Where jobs run, by name. To watch them: `changes` of kind `batch_system.`, then ask again."""
        return [BatchSystem.of(row) for row in await batch_systems.every(info.context.db)]


@thing
class BatchSystemMutations:
    """Pausing batch systems."""

    @changes("admin")
    async def pause_batch_system(
        self, info: Info, name: str, reason: str
    ) -> PauseBatchSystemResult:
        """Launch nothing more there until it is resumed; what runs there runs on. Service admins may."""
        if not reason.strip() or wrong_text(reason, MOST_REASON):
            return Invalid(message=f"Say why, in 1 to {MOST_REASON} characters.", field="reason")
        person_id = info.context.viewer.person_id
        if not wrong_text(name, 100) and await gates.pause(
            info.context.db, name, person_id, reason
        ):
            await info.context.ring()
        return await _shown(info, name)

    @changes("admin")
    async def resume_batch_system(self, info: Info, name: str) -> ResumeBatchSystemResult:
        """Launch there again; what waited goes on at once. Service admins may."""
        if not wrong_text(name, 100) and await gates.resume(info.context.db, name):
            await info.context.ring()
        return await _shown(info, name)


async def _shown(info: Info, name: str) -> BatchSystem | NotFound:
    rows = await batch_systems.every(info.context.db)
    found = next((row for row in rows if row.name == name), None)
    return BatchSystem.of(found) if found else tenants.unknown("batch system", name)
