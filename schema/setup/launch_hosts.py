"""Launch hosts, as a client sees them."""

from datetime import datetime
from typing import Annotated

import strawberry

from db.setup import launch_hosts
from domain.permissions import Role
from domain.setup.launch_hosts import HostKind
from door.describe import declare_enum_type, declare_input_type, declare_object_type
from door.pages import Node
from schema.context import Info
from schema.fields import declare_query
from schema.ids import node_id
from schema.people.experiments import Experiment, load_experiment
from schema.problems import Invalid, MutationProblem, NameTaken

declare_enum_type(HostKind)


@declare_object_type
class RoleAccounts:
    """The accounts that a role may use on a launch host."""

    role: Role
    """The role in which the launched campaign and its login setup are owned."""
    accounts: list[str]
    """Patterns with `*`; `%(experimenter)s` is the user name of the campaign's owner."""


@declare_object_type
class LaunchHost(Node):
    """Where launches are made from."""

    name: str
    """Unique in the experiment."""
    kind: HostKind
    """How it is reached."""
    address: str
    """Its name or address, with a port if it isn't the usual one; empty for `local`."""
    account: str
    """Of `local`: as whom launch scripts run there; empty: none run."""
    accounts: list[str]
    """By ssh: patterns of the accounts that service admins let the experiment use; the roles' are of these."""
    created_at: datetime
    """When it was made."""
    experiment_id: strawberry.Private[int]
    host_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: launch_hosts.LaunchHost) -> "LaunchHost":
        """Show a row."""
        return cls(
            id=node_id("launch_host", row.id),
            name=row.name,
            kind=row.kind,
            address=row.address,
            account=row.account,
            accounts=row.accounts,
            host_id=row.id,
            created_at=row.created_at,
            experiment_id=row.experiment_id,
        )

    @declare_query()
    async def experiment(self, info: Info) -> Experiment:
        """Whose it is."""
        return await load_experiment(info, self.experiment_id)

    @declare_query(weight=5)
    async def allowed_accounts(self, info: Info) -> list[RoleAccounts]:
        """Which roles may use which accounts there; a role that isn't here may use none."""
        found = await launch_hosts.list_allowed_accounts(info.context.db, self.host_id)
        return [RoleAccounts(role=row.role, accounts=row.accounts) for row in found]


async def load_launch_host(info: Info, host_id: int) -> LaunchHost:
    """Show a launch host that a foreign key names."""
    row = await info.context.load.launch_host.load(host_id)
    assert row is not None  # noqa: S101 - a foreign key says so
    return LaunchHost.of(row)


@declare_input_type
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
    account: str = ""
    """For `local`: as whom launch scripts run there; never the service's own."""
    accounts: list[str] = strawberry.field(default_factory=list)
    """For ssh: patterns of the accounts that the experiment may use; only service admins say it."""


@declare_input_type
class ChangeLaunchHostInput:
    """A launch host as it shall be from now on."""

    id: strawberry.ID
    """Which one."""
    account: str = ""
    """For `local`: as whom launch scripts run there; empty: none run."""
    accounts: list[str] = strawberry.field(default_factory=list)
    """For ssh: patterns, with `*`, of the accounts that the experiment may use."""


@declare_input_type
class AllowAccountsInput:
    """Which accounts a role may use on a launch host."""

    id: strawberry.ID
    """Where."""
    role: Role
    """In which role campaigns and login setups are owned."""
    accounts: list[str]
    """Patterns with `*`; `%(experimenter)s` is the user name of the campaign's owner. None: it may use none."""


ChangeLaunchHostResult = Annotated[
    LaunchHost | MutationProblem | Invalid, strawberry.union("ChangeLaunchHostResult")
]
CreateLaunchHostResult = Annotated[
    LaunchHost | MutationProblem | Invalid | NameTaken,
    strawberry.union("CreateLaunchHostResult"),
]
