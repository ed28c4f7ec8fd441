"""Reading, recording and removing credentials: never the secrets."""

import strawberry

from db.keyset import NameIsTaken
from db.pool import begin_transaction
from db.setup import credentials
from db.setup.credentials import InUse
from domain.names import check_name, check_text, check_words
from domain.permissions import Role
from domain.setup.credentials import CredentialKind, check_credential_path
from door.describe import declare_object_type
from door.pages import Connection as Page
from resolvers import tenants
from resolvers.lists import page_experiment_items
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nouns import CREDENTIAL, find_visible
from schema.context import Info
from schema.fields import declare_query
from schema.lists import ListPart
from schema.problems import Invalid, NotFound, NotPermitted, name_taken
from schema.setup.credentials import (
    ChangeCredentialInput,
    ChangeCredentialResult,
    CreateCredentialInput,
    CreateCredentialResult,
    Credential,
    CredentialInput,
    CredentialInUse,
    CredentialRemoved,
    RemoveCredentialResult,
    may_change,
)

MOST_IN_NEED = 100


@declare_object_type
class CredentialQueries:
    """Reading credentials."""

    @declare_query()
    async def credentials(
        self,
        info: Info,
        experiment: str,
        name_contains: str | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Page[Credential]:
        """What an experiment's launches are let in with, by name."""
        part, wanted = ListPart(first, after, last, before), (experiment, name_contains)
        return await page_experiment_items(info, wanted, part, credentials.page, Credential.of)

    @declare_query()
    async def credentials_in_need(self, info: Info) -> list[Credential]:
        """Those of your experiments that can't be used, or end within a day: at most 100, the most urgent first."""
        seen = info.context.viewer.experiments
        rows = await credentials.list_in_need(info.context.db, seen, MOST_IN_NEED)
        return [Credential.of(row, info) for row in rows]


@declare_object_type
class CredentialMutations:
    """Changing what is recorded of credentials."""

    @declare_mutation("create")
    async def create_credential(
        self,
        info: Info,
        input: CreateCredentialInput,  # noqa: A002
    ) -> CreateCredentialResult:
        """Record a credential of yours: where it lies and who renews it, never the secret."""
        experiment = await tenants.find_experiment(
            info, input.experiment, "create", "credentials in"
        )
        if isinstance(experiment, NotFound | NotPermitted):
            return experiment
        if problem := _check_credential_input(info, experiment.id, input):
            return problem
        owner = tenants.build_owner(info, experiment.id)
        row = await credentials.create(await begin_change(), experiment.id, owner, input.definition)
        return Credential.of(row, info) if row else name_taken("credential", input.name)

    @declare_mutation("create")
    async def change_credential(
        self,
        info: Info,
        input: ChangeCredentialInput,  # noqa: A002
    ) -> ChangeCredentialResult:
        """Record a credential anew. Its owner may, and the experiment's superusers."""
        row = await _find_changeable(info, input.id)
        if not isinstance(row, credentials.Credential):
            return row
        if problem := _check_credential_input(info, row.experiment_id, input, row):
            return problem
        try:
            person_id = info.context.viewer.person_id
            saved = await credentials.update(
                await begin_change(), row.id, input.definition, person_id
            )
        except NameIsTaken:
            return name_taken("credential", input.name)
        if saved is None:
            return tenants.report_unknown("credential", input.id)
        return Credential.of(saved, info)

    @declare_mutation("create")
    async def remove_credential(self, info: Info, id: strawberry.ID) -> RemoveCredentialResult:
        """Forget a credential that no login setup uses. Its owner may, and the experiment's superusers."""
        row = await _find_changeable(info, id)
        if not isinstance(row, credentials.Credential):
            return row
        conn = await begin_change()
        try:
            async with begin_transaction(conn):
                gone = await credentials.delete(conn, row.id, info.context.viewer.person_id)
        except InUse:
            users = await credentials.list_users(conn, row.id)
            return CredentialInUse(
                message=f"Login setups use it: {', '.join(users)}.", login_setups=users
            )
        if not gone:
            return tenants.report_unknown("credential", id)
        return CredentialRemoved(id=id)


async def _find_changeable(
    info: Info, id: strawberry.ID
) -> credentials.Credential | NotFound | NotPermitted:
    row = await find_visible(info, CREDENTIAL, id)
    if isinstance(row, NotFound):
        return row
    return (
        row
        if may_change(info, row)
        else tenants.report_not_permitted("modify", f"credential {row.name}")
    )


def _check_credential_input(
    info: Info,
    experiment_id: int,
    input: CredentialInput,  # noqa: A002
    before: credentials.Credential | None = None,
) -> Invalid | NotPermitted | None:
    """What is wrong with it. A command runs as the workers' account, which sees every experiment's secrets."""
    renewal = before.renewal if before else []
    if input.renewal != renewal and not info.context.allows("admin", None):
        return NotPermitted(
            message="The command runs on the server: only service admins may set it.",
            action="admin",
        )
    _, role = tenants.build_owner(info, experiment_id)
    own = "" if role is Role.PRODUCTION else info.context.viewer.username
    checks = {
        "name": check_name(input.name),
        "kind": "A password is for catalogs, all else for launches, too: record another one."
        if before is not None
        and before.kind is not input.kind
        and CredentialKind.PASSWORD in (before.kind, input.kind)
        else None,
        "purpose": check_text(input.purpose),
        "path": check_credential_path(input.path, own),
        "renewal": check_words(input.renewal),
        "expiresAt": "Give the time with its zone, for example 2030-01-31T12:00:00Z."
        if input.expires_at is not None and input.expires_at.tzinfo is None
        else None,
    }
    return next(
        (Invalid(message=said, field=field) for field, said in checks.items() if said), None
    )
