"""Tokens for scripts, as a client sees them."""

from dataclasses import field
from datetime import datetime
from typing import Annotated

import strawberry

from db.people import service_tokens
from domain.people.token_bounds import TokenScope
from door.describe import declare_enum_type, declare_input_type, declare_object_type
from schema.ids import node_id
from schema.people.owned import OwnedNode
from schema.problems import Invalid, MutationProblem

declare_enum_type(TokenScope)


@declare_object_type
class ServiceToken(OwnedNode):
    """What a script shows: in its owner's name, in one experiment, for its scopes, and never for more than its owner
    may there. The token itself is kept nowhere."""

    name: str
    """What it is for."""
    scopes: list[TokenScope]
    """What it is good for; to look at things, each is."""
    created_at: datetime
    """When it was made."""
    expires_at: datetime
    """Until when it holds."""
    last_used_at: datetime | None
    """When it was shown last, to a minute; null: never."""
    revoked_at: datetime | None
    """When it was revoked; null: it was not."""

    @classmethod
    def of(cls, row: service_tokens.ServiceToken) -> "ServiceToken":
        """Show a row."""
        return cls(
            id=node_id("service_token", row.id),
            experiment_id=row.experiment_id,
            owner_id=row.person_id,
            name=row.name,
            scopes=[TokenScope(scope) for scope in row.scopes],
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
        )


@declare_input_type
class CreateServiceTokenInput:
    """A token for a script of yours."""

    experiment: str
    """Where it is to be good: the name of an experiment of yours."""
    name: str
    """What it is for, up to 100 characters."""
    scopes: list[TokenScope]
    """What it is to be good for, one scope at least."""
    days: int = 90
    """How long it holds: 1 to 366 days."""


@declare_object_type
class ServiceTokenCreated:
    """The token is made: it can be seen here only."""

    service_token: ServiceToken
    """What is kept of it."""
    token: str | None = field(init=False, default=None)
    """What the script shows, as `Authorization: Bearer TOKEN`; null where it was asked again with the idempotency key
    of before, since it is kept nowhere: revoke that one, and make another."""

    @classmethod
    def of(cls, row: service_tokens.ServiceToken, token: str) -> "ServiceTokenCreated":
        """Show a row, with the token this once: what is no argument is not kept with an idempotency key."""
        made = cls(service_token=ServiceToken.of(row))
        made.token = token
        return made


@declare_object_type
class ServiceTokenRevoked:
    """The token is good for nothing; what was opened with it is closed."""

    service_token: ServiceToken
    """Which one."""
    changed: bool
    """False when it was revoked already."""


CreateServiceTokenResult = Annotated[
    ServiceTokenCreated | MutationProblem | Invalid, strawberry.union("CreateServiceTokenResult")
]
RevokeServiceTokenResult = Annotated[
    ServiceTokenRevoked | MutationProblem | Invalid, strawberry.union("RevokeServiceTokenResult")
]
