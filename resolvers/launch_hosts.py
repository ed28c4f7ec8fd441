"""Reading and recording launch hosts and credentials."""

from db import launch_hosts
from db.pool import Connection
from domain.launches import HostKind
from domain.names import ADDRESS, MOST_WORD, wrong_form, wrong_name, wrong_text, wrong_words
from door.describe import thing
from door.pages import Connection as Page
from resolvers import tenants
from resolvers.lists import of_experiment
from resolvers.once import Ask, once
from schema.context import Info
from schema.fields import changes, reads
from schema.launch_hosts import (
    CreateCredentialInput,
    CreateCredentialResult,
    CreateLaunchHostInput,
    CreateLaunchHostResult,
    Credential,
    LaunchHost,
)
from schema.launch_hosts import launch_host as shown
from schema.lists import Part
from schema.problems import IdempotencyKeyReused, Invalid, NameTaken


@thing
class LaunchHostQueries:
    """Reading launch hosts and credentials."""

    @reads()
    async def launch_hosts(
        self,
        info: Info,
        experiment: str,
        name_contains: str | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Page[LaunchHost]:
        """Where an experiment launches from, by name."""
        part, wanted = Part(first, after, last, before), (experiment, name_contains)
        return await of_experiment(
            info, wanted, part, launch_hosts.page, lambda row, _: LaunchHost.of(row)
        )

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
        return await of_experiment(
            info, wanted, part, launch_hosts.credentials, lambda row, _: Credential.of(row)
        )


@thing
class LaunchHostMutations:
    """Recording launch hosts and credentials."""

    @changes("manage_members")
    async def create_launch_host(
        self,
        info: Info,
        input: CreateLaunchHostInput,  # noqa: A002
    ) -> CreateLaunchHostResult:
        """Add a place to launch from. The experiment's superusers and service admins may."""
        experiment = await tenants.find(info, input.experiment)
        if experiment is None:
            return tenants.unknown("experiment", input.experiment)
        experiment_id = experiment.id
        if not info.context.allows("manage_members", experiment_id):
            return tenants.refused("create", f"launch hosts in {experiment.name}")
        if invalid := _invalid_host(input):
            return invalid

        async def create(conn: Connection) -> str | NameTaken:
            row = await launch_hosts.create(
                conn, experiment_id, input.name, input.kind, input.address
            )
            return str(row.id) if row else _taken("launch host", input.name)

        done = await once(info, Ask("createLaunchHost", input.idempotency_key, input), create)
        if isinstance(done, NameTaken | IdempotencyKeyReused):
            return done
        return await shown(info, int(done.result))

    @changes("create")
    async def create_credential(
        self,
        info: Info,
        input: CreateCredentialInput,  # noqa: A002
    ) -> CreateCredentialResult:
        """Record a credential of yours: where it lies and until when it holds, never the secret."""
        experiment = await tenants.find(info, input.experiment)
        if experiment is None:
            return tenants.unknown("experiment", input.experiment)
        experiment_id, person_id = experiment.id, info.context.viewer.person_id
        if not tenants.may_create(info, experiment_id):
            return tenants.refused("create", f"credentials in {experiment.name}")
        if invalid := _invalid_credential(input):
            return invalid

        async def create(conn: Connection) -> str | NameTaken:
            row = await launch_hosts.create_credential(
                conn, experiment_id, person_id, _recorded(input)
            )
            return str(row.id) if row else _taken("credential", input.name)

        done = await once(info, Ask("createCredential", input.idempotency_key, input), create)
        if isinstance(done, NameTaken | IdempotencyKeyReused):
            return done
        row = await info.context.load.credential.load(int(done.result))
        assert row is not None  # noqa: S101 - it was just made
        return Credential.of(row)


def _invalid_host(input: CreateLaunchHostInput) -> Invalid | None:  # noqa: A002
    said = wrong_name(input.name)
    if said:
        return Invalid(message=said, field="name")
    if input.kind is HostKind.LOCAL:
        said = "A local host has no address." if input.address else None
    else:
        said = wrong_form(input.address, ADDRESS, "login3.example.org:22")
    return Invalid(message=said, field="address") if said else None


def _invalid_credential(input: CreateCredentialInput) -> Invalid | None:  # noqa: A002
    path, expires_at = input.path, input.expires_at
    absolute = path.startswith("/") and ".." not in path.split("/")
    checks = {
        "name": wrong_name(input.name),
        "purpose": wrong_text(input.purpose),
        "path": wrong_text(path, MOST_WORD)
        or (None if absolute else "This is an absolute path without `..` in it."),
        "renewal": wrong_words(input.renewal),
        "expiresAt": "Give the time with its zone, for example 2030-01-31T12:00:00Z."
        if expires_at is not None and expires_at.tzinfo is None
        else None,
    }
    return next(
        (Invalid(message=said, field=field) for field, said in checks.items() if said), None
    )


def _recorded(input: CreateCredentialInput) -> launch_hosts.NewCredential:  # noqa: A002
    return launch_hosts.NewCredential(
        name=input.name,
        kind=input.kind,
        purpose=input.purpose,
        path=input.path,
        renewal=input.renewal,
        expires_at=input.expires_at,
    )


def _taken(what: str, name: str) -> NameTaken:
    return NameTaken(message=f"The experiment has a {what} {name!r} already.", field="name")
