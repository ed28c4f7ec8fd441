"""Why a request was not carried out. A bug is not one of these: it is masked and logged."""

import strawberry

from door.describe import thing


@strawberry.interface(description="Why the request was not carried out.")
class Problem:
    """Why the request was not carried out."""

    message: str
    """What to tell a person, with what to do about it."""


@thing
class NotFound(Problem):
    """There is no such thing, or it is not yours to see."""


@thing
class NotPermitted(Problem):
    """You may see it, but not do this to it."""

    action: str
    """What you may not do."""


@thing
class Invalid(Problem):
    """What was given can't be: nothing was saved."""

    field: str
    """The argument or input field that is wrong."""


@thing
class NameTaken(Problem):
    """Something of the kind has that name already."""

    field: str
    """The argument or input field that holds the name."""


@thing
class TooMany(Problem):
    """One request asks for more than is done at once: split it."""

    field: str
    """The argument or input field that is too long."""
    most: int
    """How many there may be."""
    given: int
    """How many there were."""


@thing
class IdempotencyKeyReused(Problem):
    """You have used this idempotency key for another request; take a new one."""
