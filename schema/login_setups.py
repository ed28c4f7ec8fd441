"""Login setups, as a client sees them."""

from datetime import datetime
from typing import Annotated

import strawberry

from db import login_setups
from domain.job_types import LoginSetup as Wanted
from domain.people import Role
from door.describe import asked, thing
from door.pages import Node
from schema.context import Info
from schema.credentials import Credential
from schema.experiments import Experiment, experiment
from schema.fields import reads
from schema.ids import made
from schema.job_types import StaleVersion
from schema.launch_hosts import LaunchHost, launch_host
from schema.parameters import Finding, Parameter, ParameterInput, plain
from schema.people import Person, person
from schema.problems import IdempotencyKeyReused, NameTaken, NotFound, NotPermitted, Problem


@thing
class InvalidLoginSetup(Problem):
    """The login setup can't be saved as it is: everything that is wrong with it."""

    findings: list[Finding]
    """What is wrong, and where."""


@thing
class LoginSetup(Node):
    """Where launches are made from, and what is set up first."""

    name: str
    """Unique in the experiment."""
    account: str
    """The account on the launch host; empty: the service's own."""
    setup: list[str]
    """Lines that the launch host's shell runs first."""
    environment: list[Parameter]
    """Variables that jobs find in their environment."""
    owning_role: Role
    """Who acts on it, besides its owner."""
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
    experiment_id: strawberry.Private[int]
    owner_id: strawberry.Private[int]
    launch_host_id: strawberry.Private[int]
    credential_id: strawberry.Private[int | None]

    @classmethod
    def of(cls, row: login_setups.LoginSetup, info: Info) -> "LoginSetup":
        """Show a row."""
        return cls(
            id=made("login_setup", row.id),
            name=row.name,
            account=row.account,
            setup=row.setup,
            environment=[Parameter(key=k, value=v) for k, v in row.environment.items()],
            owning_role=row.owning_role,
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

    @reads()
    async def experiment(self, info: Info) -> Experiment:
        """Whose it is."""
        return await experiment(info, self.experiment_id)

    @reads()
    async def owner(self, info: Info) -> Person:
        """Who made it."""
        return await person(info, self.owner_id)

    @reads()
    async def launch_host(self, info: Info) -> LaunchHost:
        """Where launches are made from."""
        return await launch_host(info, self.launch_host_id)

    @reads()
    async def credential(self, info: Info) -> Credential | None:
        """What a launch needs to be let in."""
        if self.credential_id is None:
            return None
        row = await info.context.load.credential.load(self.credential_id)
        return None if row is None else Credential.of(row, info)


async def login_setup(info: Info, login_setup_id: int) -> LoginSetup:
    """Show a login setup that a foreign key names."""
    row = await info.context.load.login_setup.load(login_setup_id)
    assert row is not None  # noqa: S101 - a foreign key says so
    return LoginSetup.of(row, info)


@asked
class LoginSetupInput:
    """Where launches are made from, and what is set up first."""

    name: str
    """Unique in the experiment, up to 100 characters."""
    launch_host: str
    """The launch host's name."""
    credential: str | None = None
    """The credential's name; in analysis one of your own."""
    account: str = ""
    """The account on the launch host; empty: the service's own."""
    setup: list[str] = strawberry.field(default_factory=list)
    """Lines that the launch host's shell runs first."""
    environment: list[ParameterInput] = strawberry.field(default_factory=list)
    """Variables that jobs find in their environment."""

    @property
    def wanted(self) -> Wanted:
        """As the domain checks it."""
        return Wanted(
            name=self.name,
            account=self.account,
            setup=self.setup,
            environment=plain(self.environment),
        )


@asked
class CreateLoginSetupInput(LoginSetupInput):
    """A new login setup of an experiment."""

    experiment: str
    """The experiment's name."""
    idempotency_key: str | None = None
    """Asking again with the same key gives the same answer, and makes nothing twice."""


@asked
class ChangeLoginSetupInput(LoginSetupInput):
    """A login setup as it shall be from now on: what is left out becomes empty."""

    id: strawberry.ID
    """Which one."""
    active: bool = True
    """Whether new campaigns may use it."""
    expected_version: int | None = None
    """Refuse when somebody else has saved it since."""


CreateLoginSetupResult = Annotated[
    LoginSetup | NotFound | NotPermitted | InvalidLoginSetup | NameTaken | IdempotencyKeyReused,
    strawberry.union("CreateLoginSetupResult"),
]
ChangeLoginSetupResult = Annotated[
    LoginSetup | NotFound | NotPermitted | InvalidLoginSetup | NameTaken | StaleVersion,
    strawberry.union("ChangeLoginSetupResult"),
]
