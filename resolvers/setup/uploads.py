"""Looking at one's uploads, and removing some; they are brought by `resolvers/setup/upload_route.py`."""

import strawberry

from db.setup import uploads
from door.describe import declare_object_type
from resolvers import tenants
from resolvers.mutations import begin_change, declare_mutation
from schema.context import Info
from schema.fields import declare_query
from schema.ids import parse_node_id
from schema.problems import NotFound
from schema.setup.uploads import RemoveUploadResult, UploadFolder, UploadRemoved


@declare_object_type
class UploadQueries:
    """Reading uploads."""

    @declare_query(weight=20)
    async def uploads(self, info: Info, experiment: str) -> UploadFolder | None:
        """Your own uploads in an experiment; null where you don't see it."""
        row = await tenants.find_visible_experiment(info, experiment)
        if row is None:
            return None
        found = await uploads.list_by_person(info.context.db, row.id, info.context.viewer.person_id)
        return UploadFolder.of(found, info.context.app_state.upload_quota)


@declare_object_type
class UploadMutations:
    """Removing uploads."""

    @declare_mutation("create")
    async def remove_upload(self, info: Info, id: strawberry.ID) -> RemoveUploadResult:
        """Remove an upload of yours. Launches that were made before find it still."""
        key = parse_node_id(id, "upload")
        if key is not None:
            conn = await begin_change()
            row = await uploads.delete(conn, key, info.context.viewer.person_id)
            if row is not None:
                return UploadRemoved(id=id, name=row.name)
        return NotFound(message=f"There is no upload {id[:200]!r} of yours.")
