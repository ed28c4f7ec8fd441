"""Reading and recording launch hosts."""

from db import launch_hosts
from db.pool import Connection
from domain.launches import HostKind
from domain.names import ADDRESS, wrong_form, wrong_name
from door.describe import thing
from door.pages import Connection as Page
from resolvers import tenants
from resolvers.lists import of_experiment
from resolvers.once import Ask, once
from schema.context import Info
from schema.fields import changes, reads
from schema.launch_hosts import (
    CreateLaunchHostInput,
    CreateLaunchHostResult,
    LaunchHost,
)
from schema.launch_hosts import launch_host as shown
from schema.lists import Part
from schema.problems import IdempotencyKeyReused, Invalid, NameTaken


@thing
class LaunchHostQueries:
    """Reading launch hosts."""

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


@thing
class LaunchHostMutations:
    """Recording launch hosts."""

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
            return str(row.id) if row else _taken(input.name)

        done = await once(info, Ask("createLaunchHost", input.idempotency_key, input), create)
        if isinstance(done, NameTaken | IdempotencyKeyReused):
            return done
        return await shown(info, int(done.result))


def _invalid_host(input: CreateLaunchHostInput) -> Invalid | None:  # noqa: A002
    said = wrong_name(input.name)
    if said:
        return Invalid(message=said, field="name")
    if input.kind is HostKind.LOCAL:
        said = "A local host has no address." if input.address else None
    else:
        said = wrong_form(input.address, ADDRESS, "login3.example.org:22")
    return Invalid(message=said, field="address") if said else None


def _taken(name: str) -> NameTaken:
    return NameTaken(message=f"The experiment has a launch host {name!r} already.", field="name")
