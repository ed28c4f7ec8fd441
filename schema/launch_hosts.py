"""Launch hosts and credentials, as a client sees them."""

from datetime import datetime
from typing import Annotated

import strawberry

from db import launch_hosts
from domain.launches import CredentialKind, HostKind
from door.describe import asked, choice, thing
from door.pages import Node
from schema.context import Info
from schema.experiments import Experiment, experiment
from schema.fields import reads
from schema.ids import made
from schema.people import Person, person
from schema.problems import IdempotencyKeyReused, Invalid, NameTaken, NotFound, NotPermitted

choice(HostKind)
choice(CredentialKind)


@thing
class LaunchHost(Node):
    """Where launches are made from."""

    name: str
    """Unique in the experiment."""
    kind: HostKind
    """How it is reached."""
    address: str
    """Its name or address, with a port if it isn't the usual one; empty for `local`."""
    created_at: datetime
    """When it was made."""
    experiment_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: launch_hosts.LaunchHost) -> "LaunchHost":
        """Show a row."""
        return cls(
            id=made("launch_host", row.id),
            name=row.name,
            kind=row.kind,
            address=row.address,
            created_at=row.created_at,
            experiment_id=row.experiment_id,
        )

    @reads()
    async def experiment(self, info: Info) -> Experiment:
        """Whose it is."""
        return await experiment(info, self.experiment_id)


@thing
class Credential(Node):
    """What a launch needs to be let in: where it lies and until when it holds, never the secret itself."""

    name: str
    """Unique in the experiment."""
    kind: CredentialKind
    """What it is."""
    purpose: str
    """What it is for."""
    path: str
    """Where it lies on the launch host."""
    renewal: list[str]
    """The command that renews it, as arguments; empty: nobody does."""
    expires_at: datetime | None
    """Until when it holds; null: not known."""
    created_at: datetime
    """When it was recorded."""
    experiment_id: strawberry.Private[int]
    owner_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: launch_hosts.Credential) -> "Credential":
        """Show a row."""
        return cls(
            id=made("credential", row.id),
            name=row.name,
            kind=row.kind,
            purpose=row.purpose,
            path=row.path,
            renewal=row.renewal,
            expires_at=row.expires_at,
            created_at=row.created_at,
            experiment_id=row.experiment_id,
            owner_id=row.owner_id,
        )

    @reads()
    async def experiment(self, info: Info) -> Experiment:
        """Where it is used."""
        return await experiment(info, self.experiment_id)

    @reads()
    async def owner(self, info: Info) -> Person:
        """Whose it is."""
        return await person(info, self.owner_id)


async def launch_host(info: Info, host_id: int) -> LaunchHost:
    """Show a launch host that a foreign key names."""
    row = await info.context.load.launch_host.load(host_id)
    assert row is not None  # noqa: S101 - a foreign key says so
    return LaunchHost.of(row)


@asked
class CreateLaunchHostInput:
    """A new place to launch from."""

    experiment: str
    """The experiment's name."""
    name: str
    """Unique in the experiment, up to 100 characters."""
    kind: HostKind = HostKind.LOCAL
    """How it is reached."""
    address: str = ""
    """For ssh: its name or address, with `:port` if it isn't the usual one."""
    idempotency_key: str | None = None
    """Asking again with the same key gives the same answer, and makes nothing twice."""


@asked
class CreateCredentialInput:
    """The record of a credential; it is yours."""

    experiment: str
    """The experiment's name."""
    name: str
    """Unique in the experiment, up to 100 characters."""
    kind: CredentialKind
    """What it is."""
    path: str
    """Where it lies on the launch host: an absolute path. Never the secret itself."""
    purpose: str = ""
    """What it is for."""
    renewal: list[str] = strawberry.field(default_factory=list)
    """The command that renews it, as arguments."""
    expires_at: datetime | None = None
    """Until when it holds, with a time zone."""
    idempotency_key: str | None = None
    """Asking again with the same key gives the same answer, and makes nothing twice."""


CreateLaunchHostResult = Annotated[
    LaunchHost | NotFound | NotPermitted | Invalid | NameTaken | IdempotencyKeyReused,
    strawberry.union("CreateLaunchHostResult"),
]
CreateCredentialResult = Annotated[
    Credential | NotFound | NotPermitted | Invalid | NameTaken | IdempotencyKeyReused,
    strawberry.union("CreateCredentialResult"),
]
