"""Saying whether an installation that finds itself elsewhere was moved or copied."""

from db.batch import installations
from domain.batch.installations import InstallationAnswer
from door.describe import declare_object_type
from resolvers.mutations import begin_change, declare_mutation
from schema.batch.installation import ConfirmInstallationResult, Installation
from schema.context import Info
from schema.fields import declare_query
from schema.problems import Invalid


@declare_object_type
class InstallationQueries:
    """Reading the installation."""

    @declare_query()
    async def installation(self, info: Info) -> Installation:
        """The installation, and whether it may be a copy of another one."""
        return Installation.of(await installations.find(info.context.db))


@declare_object_type
class InstallationMutations:
    """Answering what an installation asks."""

    @declare_mutation("admin")
    async def confirm_installation(
        self, info: Info, answer: InstallationAnswer
    ) -> ConfirmInstallationResult:
        """Say whether the installation was moved or is a copy. Service admins may.

        `MOVED`: it goes on as the same one; be sure that the other one never runs again. `COPY`: submissions under
        way are called cancelled or removed here, schedules are stopped, and nothing here touches the original's
        clusters; it can be said without a doubt, too, of machines that were copied as a whole.
        """
        conn, person_id = await begin_change(), info.context.viewer.person_id
        if not await installations.record_answer(conn, answer, person_id):
            return Invalid(message="Nothing is asked about the installation.", field="answer")
        return Installation.of(await installations.find(conn))
