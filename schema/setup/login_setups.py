"""Login setups, as a client sees them."""

from datetime import datetime
from typing import Annotated

import strawberry

from db.setup import login_setups
from domain.permissions import Role
from domain.setup.job_types import LoginSetupDefinition as Wanted
from door.describe import declare_input_type, declare_object_type
from schema.context import Info
from schema.fields import declare_query
from schema.ids import node_id
from schema.people.owned import OwnedNode
from schema.problems import MutationProblem, NameTaken, Problem
from schema.setup.credentials import Credential
from schema.setup.job_types import StaleVersion
from schema.setup.launch_hosts import LaunchHost, load_launch_host
from schema.setup.parameters import Finding


@declare_object_type
class InvalidLoginSetup(Problem):
    """The login setup can't be saved as it is: everything that is wrong with it."""

    findings: list[Finding]
    """What is wrong, and where."""


@declare_object_type
class EnvironmentVariable:
    """A variable that jobs and launch scripts find in their environment."""

    key: str
    """Its name."""
    value: str | None
    """Its value; null where it is a secret, which is never shown."""
    is_secret: bool
    """Whether it is a secret."""


@declare_input_type
class EnvironmentVariableInput:
    """A variable that jobs and launch scripts shall find in their environment."""

    key: str
    """Its name."""
    value: str | None = None
    """Its value; keywords are filled in, except in a secret. Of a secret that is there null keeps the value."""
    is_secret: bool = False
    """A secret is never shown again, to nobody; it reaches launches only."""


@declare_object_type
class LoginSetup(OwnedNode):
    """Where launches are made from, and what is set up first."""

    name: str
    """Unique in the experiment."""
    account: str
    """The account on the launch host; empty on a local one, which has its own."""
    setup: list[str]
    """Lines that the launch host's shell runs first."""
    environment: list[EnvironmentVariable]
    """Variables that jobs find in their environment."""
    owning_role: Role
    """Who acts on it, besides its owner, and whose campaigns may use it; in analysis only its owner's."""
    shared_with: list[Role]
    """Whose campaigns may use it as well."""
    active: bool
    """Whether new campaigns may use it."""
    version: int
    """Grows with each save."""
    created_at: datetime
    """When it was made."""
    updated_at: datetime
    """When it was saved last."""
    may_change: bool
    """Whether you may save it."""
    launch_host_id: strawberry.Private[int]
    credential_id: strawberry.Private[int | None]

    @classmethod
    def of(cls, row: login_setups.LoginSetup, info: Info) -> "LoginSetup":
        """Show a row."""
        return cls(
            id=node_id("login_setup", row.id),
            name=row.name,
            account=row.account,
            setup=row.setup,
            environment=_list_variables(row),
            owning_role=row.owning_role,
            shared_with=row.shared_with,
            active=row.active,
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
            may_change=info.context.allows(
                "modify", row.experiment_id, row.owner_id, row.owning_role
            ),
            experiment_id=row.experiment_id,
            owner_id=row.owner_id,
            launch_host_id=row.launch_host_id,
            credential_id=row.credential_id,
        )

    @declare_query()
    async def launch_host(self, info: Info) -> LaunchHost:
        """Where launches are made from."""
        return await load_launch_host(info, self.launch_host_id)

    @declare_query()
    async def credential(self, info: Info) -> Credential | None:
        """What a launch needs to be let in."""
        if self.credential_id is None:
            return None
        row = await info.context.load.credential.load(self.credential_id)
        return None if row is None else Credential.of(row, info)


def _list_variables(row: login_setups.LoginSetup) -> list[EnvironmentVariable]:
    plain = (
        EnvironmentVariable(key=k, value=v, is_secret=False) for k, v in row.environment.items()
    )
    secret = (EnvironmentVariable(key=k, value=None, is_secret=True) for k in row.secrets)
    return [*plain, *secret]


async def load_login_setup(info: Info, login_setup_id: int) -> LoginSetup:
    """Show a login setup that a foreign key names."""
    row = await info.context.load.login_setup.load(login_setup_id)
    assert row is not None  # noqa: S101 - a foreign key says so
    return LoginSetup.of(row, info)


@declare_input_type
class LoginSetupInput:
    """Where launches are made from, and what is set up first."""

    name: str
    """Unique in the experiment, up to 100 characters."""
    launch_host: str
    """The launch host's name."""
    credential: str | None = None
    """The credential's name; in analysis one of your own."""
    account: str = ""
    """The account on the launch host: by ssh one that `allowedAccounts` has for each role that may use the setup."""
    setup: list[str] = strawberry.field(default_factory=list)
    """Lines that the launch host's shell runs first."""
    shared_with: list[Role] = strawberry.field(default_factory=list)
    """Whose campaigns may use it, besides those of the role that owns it: with its credential and its account."""
    environment: list[EnvironmentVariableInput] = strawberry.field(default_factory=list)
    """Variables that jobs find in their environment."""

    @property
    def definition(self) -> Wanted:
        """As the domain checks it."""
        return Wanted(
            name=self.name,
            account=self.account,
            setup=self.setup,
            environment=[
                [each.key, each.value or ""] for each in self.environment if not each.is_secret
            ],
            secrets={each.key: each.value for each in self.environment if each.is_secret},
            shared_with=self.shared_with,
        )


@declare_input_type
class CreateLoginSetupInput(LoginSetupInput):
    """A new login setup of an experiment."""

    experiment: str
    """The experiment's name."""


@declare_input_type
class ChangeLoginSetupInput(LoginSetupInput):
    """A login setup as it shall be from now on: what is left out becomes empty."""

    id: strawberry.ID
    """Which one."""
    active: bool = True
    """Whether new campaigns may use it."""
    expected_version: int | None = None
    """Refuse when somebody else has saved it since."""


CreateLoginSetupResult = Annotated[
    LoginSetup | MutationProblem | InvalidLoginSetup | NameTaken,
    strawberry.union("CreateLoginSetupResult"),
]
ChangeLoginSetupResult = Annotated[
    LoginSetup | MutationProblem | InvalidLoginSetup | NameTaken | StaleVersion,
    strawberry.union("ChangeLoginSetupResult"),
]
