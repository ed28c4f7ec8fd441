"""Credentials, as a client sees them: never the secrets."""

from datetime import datetime
from typing import Annotated

import strawberry

from db.setup import credentials
from domain.setup.credentials import CredentialKind, is_expiring
from door.describe import declare_enum_type, declare_input_type, declare_object_type
from schema.context import Info
from schema.ids import node_id
from schema.people.owned import OwnedNode
from schema.problems import (
    Invalid,
    MutationProblem,
    NameTaken,
    Problem,
)

declare_enum_type(CredentialKind)


@declare_object_type
class Credential(OwnedNode):
    """What a launch needs to be let in: where it lies and until when it holds, never the secret itself.

    Launches wait for one that can't be used, or would expire under them, and go on once it is renewed.
    """

    name: str
    """Unique in the experiment."""
    kind: CredentialKind
    """What it is."""
    purpose: str
    """What it is for."""
    path: str
    """Where it lies in the experiment's folder of credentials, which workers see."""
    renewal: list[str]
    """The command that renews it, as arguments; empty: nobody does."""
    covers_jobs: bool
    """Whether it has to hold until the jobs' wall time is over, as a proxy that goes with them."""
    expires_at: datetime | None
    """Until when it holds, as the file says, or else who recorded it; null: not known, or for ever."""
    problem: str
    """Why it can't be used, as it was found within the last half minute; empty: it can."""
    expiring: bool
    """Whether somebody should see to it: it ends within a day, and nothing renews it."""
    renewed_at: datetime | None
    """When its command renewed it last."""
    renewal_attempts: int
    """How often that has failed since; it is tried again later and later, at least every hour."""
    renewal_at: datetime | None
    """When its command is run next: at half of its time, or when it is tried again."""
    renewal_output: str
    """The end of what the command said last; what looks like a secret is left out."""
    created_at: datetime
    """When it was recorded."""
    may_change: bool
    """Whether you may change or remove it; its command is for service admins alone."""

    @classmethod
    def of(cls, row: credentials.Credential, info: Info) -> "Credential":
        """Show a row."""
        return cls(
            id=node_id("credential", row.id),
            name=row.name,
            kind=row.kind,
            purpose=row.purpose,
            path=row.path,
            renewal=row.renewal,
            covers_jobs=row.covers_jobs,
            expires_at=row.expires_at,
            problem=row.problem,
            expiring=is_expiring(row.terms, row.renewal_attempts, info.context.now),
            renewed_at=row.renewed_at,
            renewal_attempts=row.renewal_attempts,
            renewal_at=row.renew_at,
            renewal_output=row.renewal_output,
            created_at=row.created_at,
            may_change=may_change(info, row),
            experiment_id=row.experiment_id,
            owner_id=row.owner_id,
        )


def may_change(info: Info, row: credentials.Credential) -> bool:
    """Its owner may while they may make things there, and who manages the experiment's members."""
    allows, mine = info.context.allows, row.owner_id == info.context.viewer.person_id
    return allows("manage_members", row.experiment_id) or (
        mine and allows("create", row.experiment_id)
    )


@declare_input_type
class CredentialInput:
    """What is recorded of a credential."""

    name: str
    """Unique in the experiment, up to 100 characters."""
    kind: CredentialKind
    """What it is."""
    path: str
    """Where it lies in the experiment's folder of credentials. Who makes what production owns may name any
    file in there, others one below a folder of their own username. Never the secret itself."""
    purpose: str = ""
    """What it is for."""
    renewal: list[str] = strawberry.field(default_factory=list)
    """The command that renews it, as arguments, which finds the file's place in BEARER_TOKEN_FILE,
    X509_USER_PROXY and POMS_CREDENTIAL. It runs on the workers' machine as their account: for service admins."""
    expires_at: datetime | None = None
    """Until when it holds, with a time zone, where the file itself doesn't say."""
    covers_jobs: bool = False
    """Whether it has to hold until the jobs' wall time is over."""

    @property
    def definition(self) -> credentials.CredentialDefinition:
        """As it is kept."""
        return credentials.CredentialDefinition(
            name=self.name,
            kind=self.kind,
            purpose=self.purpose,
            path=self.path,
            renewal=self.renewal,
            expires_at=self.expires_at,
            covers_jobs=self.covers_jobs,
        )


@declare_input_type
class CreateCredentialInput(CredentialInput):
    """The record of a credential; it is yours."""

    experiment: str
    """The experiment's name."""


@declare_input_type
class ChangeCredentialInput(CredentialInput):
    """The record as it shall be from now on: what is left out becomes empty. It is looked at anew."""

    id: strawberry.ID
    """Which one."""


@declare_object_type
class CredentialRemoved:
    """The record is gone; the file stays where it is."""

    id: strawberry.ID
    """Which one it was."""


@declare_object_type
class CredentialInUse(Problem):
    """Login setups use it: give them another one first."""

    login_setups: list[str]
    """Their names, the first twenty."""


CreateCredentialResult = Annotated[
    Credential | MutationProblem | Invalid | NameTaken,
    strawberry.union("CreateCredentialResult"),
]
ChangeCredentialResult = Annotated[
    Credential | MutationProblem | Invalid | NameTaken,
    strawberry.union("ChangeCredentialResult"),
]
RemoveCredentialResult = Annotated[
    CredentialRemoved | MutationProblem | CredentialInUse,
    strawberry.union("RemoveCredentialResult"),
]
