"""Reading how batch systems are, and pausing them."""

from db.batch import admission, batch_systems
from domain.names import MOST_REASON, check_text
from door.describe import declare_object_type
from resolvers import tenants
from resolvers.mutations import begin_change, declare_mutation
from schema.batch.batch_systems import BatchSystem, PauseBatchSystemResult, ResumeBatchSystemResult
from schema.context import Info
from schema.fields import declare_query
from schema.problems import Invalid, NotFound


@declare_object_type
class BatchSystemQueries:
    """Reading how batch systems are."""

    @declare_query()
    async def batch_systems(self, info: Info) -> list[BatchSystem]:
        """Where jobs run, by name. To watch them: `changes` of kind `batch_system.`, then ask again."""
        return [BatchSystem.of(row) for row in await batch_systems.list_all(info.context.db)]


@declare_object_type
class BatchSystemMutations:
    """Pausing batch systems."""

    @declare_mutation("admin")
    async def pause_batch_system(
        self, info: Info, name: str, reason: str
    ) -> PauseBatchSystemResult:
        """Launch nothing more there until it is resumed; what runs there runs on. Service admins may."""
        if not reason.strip() or check_text(reason, MOST_REASON):
            return Invalid(message=f"Say why, in 1 to {MOST_REASON} characters.", field="reason")
        conn = await begin_change()
        if not check_text(name, 100):
            await admission.pause_launches(conn, name, info.context.viewer.person_id, reason)
        return await _show_batch_system(info, name)

    @declare_mutation("admin")
    async def resume_batch_system(self, info: Info, name: str) -> ResumeBatchSystemResult:
        """Launch there again; what waited goes on at once. Service admins may."""
        conn, person_id = await begin_change(), info.context.viewer.person_id
        if not check_text(name, 100):
            await admission.resume_launches(conn, name, person_id)
        return await _show_batch_system(info, name)


async def _show_batch_system(info: Info, name: str) -> BatchSystem | NotFound:
    rows = await batch_systems.list_all(info.context.db)
    found = next((row for row in rows if row.name == name), None)
    return BatchSystem.of(found) if found else tenants.report_unknown("batch system", name)
