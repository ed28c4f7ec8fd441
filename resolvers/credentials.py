"""Reading, recording and removing credentials: never the secrets."""

import strawberry

from db import credentials
from db.credentials import InUse
from db.keyset import Taken
from db.pool import Connection
from domain.credentials import wrong_path
from domain.names import wrong_name, wrong_text, wrong_words
from domain.people import Role
from door.describe import thing
from door.pages import Connection as Page
from resolvers import tenants
from resolvers.lists import of_experiment
from resolvers.once import Ask, once
from schema.context import Info
from schema.credentials import (
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
from schema.fields import changes, reads
from schema.ids import number
from schema.lists import Part
from schema.problems import IdempotencyKeyReused, Invalid, NameTaken, NotFound, NotPermitted

MOST_IN_NEED = 100


@thing
class CredentialQueries:
    """Reading credentials."""

    @reads()
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
        part, wanted = Part(first, after, last, before), (experiment, name_contains)
        return await of_experiment(info, wanted, part, credentials.page, Credential.of)

    @reads()
    async def credentials_in_need(self, info: Info) -> list[Credential]:
        """Those of your experiments that can't be used, or end within a day: at most 100, the most urgent first."""
        seen = info.context.viewer.experiments
        rows = await credentials.in_need(info.context.db, seen, MOST_IN_NEED)
        return [Credential.of(row, info) for row in rows]


@thing
class CredentialMutations:
    """Changing what is recorded of credentials."""

    @changes("create")
    async def create_credential(
        self,
        info: Info,
        input: CreateCredentialInput,  # noqa: A002
    ) -> CreateCredentialResult:
        """Record a credential of yours: where it lies and who renews it, never the secret."""
        experiment = await tenants.find(info, input.experiment)
        if experiment is None:
            return tenants.unknown("experiment", input.experiment)
        experiment_id, person_id = experiment.id, info.context.viewer.person_id
        if not tenants.may_create(info, experiment_id):
            return tenants.refused("create", f"credentials in {experiment.name}")
        if problem := _problem(info, experiment_id, input):
            return problem

        async def create(conn: Connection) -> str | NameTaken:
            row = await credentials.create(conn, experiment_id, person_id, input.wanted)
            return str(row.id) if row else _taken(input.name)

        done = await once(info, Ask("createCredential", input.idempotency_key, input), create)
        if isinstance(done, NameTaken | IdempotencyKeyReused):
            return done
        row = await info.context.load.credential.load(int(done.result))
        if row is None:  # it was made with this key once, and removed since
            return tenants.unknown("credential", input.name)
        return Credential.of(row, info)

    @changes("create")
    async def change_credential(
        self,
        info: Info,
        input: ChangeCredentialInput,  # noqa: A002
    ) -> ChangeCredentialResult:
        """Record a credential anew. Its owner may, and the experiment's superusers."""
        row = await _changeable(info, input.id)
        if not isinstance(row, credentials.Credential):
            return row
        if problem := _problem(info, row.experiment_id, input, row):
            return problem
        try:
            saved = await credentials.change(info.context.db, row.id, input.wanted)
        except Taken:
            return _taken(input.name)
        if saved is None:
            return tenants.unknown("credential", input.id)
        await info.context.ring()
        return Credential.of(saved, info)

    @changes("create")
    async def remove_credential(self, info: Info, id: strawberry.ID) -> RemoveCredentialResult:
        """Forget a credential that no login setup uses. Its owner may, and the experiment's superusers."""
        row = await _changeable(info, id)
        if not isinstance(row, credentials.Credential):
            return row
        try:
            gone = await credentials.remove(info.context.db, row.id)
        except InUse:
            users = await credentials.users(info.context.db, row.id)
            return CredentialInUse(
                message=f"Login setups use it: {', '.join(users)}.", login_setups=users
            )
        if not gone:
            return tenants.unknown("credential", id)
        await info.context.ring()
        return CredentialRemoved(id=id)


async def _changeable(
    info: Info, id: strawberry.ID
) -> credentials.Credential | NotFound | NotPermitted:
    key = number(id, "credential")
    row = None if key is None else await info.context.load.credential.load(key)
    if row is None or not info.context.allows("view", row.experiment_id):
        return tenants.unknown("credential", id)
    return row if may_change(info, row) else tenants.refused("modify", f"credential {row.name}")


def _problem(
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
    _, role = tenants.owner(info, experiment_id)
    own = "" if role is Role.PRODUCTION else info.context.viewer.username
    checks = {
        "name": wrong_name(input.name),
        "purpose": wrong_text(input.purpose),
        "path": wrong_path(input.path, own),
        "renewal": wrong_words(input.renewal),
        "expiresAt": "Give the time with its zone, for example 2030-01-31T12:00:00Z."
        if input.expires_at is not None and input.expires_at.tzinfo is None
        else None,
    }
    return next(
        (Invalid(message=said, field=field) for field, said in checks.items() if said), None
    )


def _taken(name: str) -> NameTaken:
    return NameTaken(message=f"The experiment has a credential {name!r} already.", field="name")
