"""Who may not sign in any more, and which tokens are good for nothing, as a client asks for it."""

from typing import Annotated

import strawberry

from door.describe import declare_input_type, declare_object_type
from schema.people.people import Person
from schema.problems import Invalid, MutationProblem, Problem


@declare_input_type
class SetPersonActiveInput:
    """Whether somebody may sign in."""

    username: str
    """Whose."""
    active: bool
    """False: not any more, and what is open is closed at once."""
    reason: str
    """Why, up to 1000 characters; it stands in the change."""


@declare_input_type
class SetPersonAdminInput:
    """Whether somebody runs the service."""

    username: str
    """Who."""
    is_admin: bool
    """False: not any more."""
    reason: str
    """Why, up to 1000 characters; it stands in the change."""


@declare_input_type
class RevokeTokensInput:
    """Which tokens shall be good for nothing."""

    username: str
    """Whose."""
    token_id: str | None = None
    """The `jti` in one token; null: all that were made until now."""
    reason: str
    """Why, up to 1000 characters; it stands in the change."""


@declare_object_type
class PersonActiveSet:
    """Somebody may sign in, or not, as it was wanted."""

    person: Person
    """Who, as they are now."""
    changed: bool
    """False when it was so already."""


@declare_object_type
class PersonAdminSet:
    """Somebody runs the service, or not, as it was wanted."""

    person: Person
    """Who, as they are now."""
    changed: bool
    """False when it was so already."""


@declare_object_type
class TokensRevoked:
    """The tokens are good for nothing; whoever was signed in with one has to sign in anew."""

    person: Person
    """Whose they are."""
    changed: bool
    """False when the token was revoked already."""


@declare_object_type
class LastAdmin(Problem):
    """Nobody else runs the service: make somebody else a service admin first."""


SetPersonActiveResult = Annotated[
    PersonActiveSet | MutationProblem | Invalid | LastAdmin,
    strawberry.union("SetPersonActiveResult"),
]
SetPersonAdminResult = Annotated[
    PersonAdminSet | MutationProblem | Invalid | LastAdmin,
    strawberry.union("SetPersonAdminResult"),
]
RevokeTokensResult = Annotated[
    TokensRevoked | MutationProblem | Invalid,
    strawberry.union("RevokeTokensResult"),
]
