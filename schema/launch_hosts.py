"""Launch hosts, as a client sees them."""

from datetime import datetime
from typing import Annotated

import strawberry

from db import launch_hosts
from domain.launches import HostKind
from door.describe import asked, choice, thing
from door.pages import Node
from schema.context import Info
from schema.experiments import Experiment, experiment
from schema.fields import reads
from schema.ids import made
from schema.problems import IdempotencyKeyReused, Invalid, NameTaken, NotFound, NotPermitted

choice(HostKind)


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


CreateLaunchHostResult = Annotated[
    LaunchHost | NotFound | NotPermitted | Invalid | NameTaken | IdempotencyKeyReused,
    strawberry.union("CreateLaunchHostResult"),
]
