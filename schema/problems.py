"""Why a request was not carried out. A bug is not one of these: it is masked and logged."""

from collections.abc import Sequence

import strawberry

from domain.outages import OutageCause, ServiceOutage
from door.describe import declare_enum_type, declare_object_type

declare_enum_type(OutageCause)


@strawberry.interface(description="Why the request was not carried out.")
class Problem:
    """Why the request was not carried out."""

    message: str
    """What to tell a person, with what to do about it."""


@declare_object_type
class NotFound(Problem):
    """There is no such thing, or it is not yours to see."""


@declare_object_type
class NotPermitted(Problem):
    """You may see it, but not do this to it."""

    action: str
    """What you may not do."""


@declare_object_type
class TryAgainLater(Problem):
    """POMS can't do it now, and nothing is wrong with the request: send the same again later."""

    cause: OutageCause
    """Which part is missing."""
    retry_after_s: int
    """After how many seconds it makes sense to ask again."""

    @classmethod
    def of(cls, outage: ServiceOutage) -> "TryAgainLater":
        """Say what is missing."""
        return cls(message=outage.message, cause=outage.cause, retry_after_s=outage.retry_after_s)


@declare_object_type
class Invalid(Problem):
    """What was given can't be: nothing was saved."""

    field: str
    """The argument or input field that is wrong."""


@declare_object_type
class NameTaken(Problem):
    """Something of the kind has that name already."""

    field: str
    """The argument or input field that holds the name."""


@declare_object_type
class TooMany(Problem):
    """One request asks for more than is done at once: split it."""

    field: str
    """The argument or input field that is too long."""
    most: int
    """How many there may be."""
    given: int
    """How many there were."""


@declare_object_type
class IdempotencyKeyReused(Problem):
    """You have used this idempotency key for another request; take a new one."""


MutationProblem = NotFound | NotPermitted | TryAgainLater | IdempotencyKeyReused
"""What every mutation may answer."""


def count_problem(field: str, given: Sequence[object], most: int) -> TooMany | None:
    """The problem of a list that is too long."""
    if len(given) <= most:
        return None
    return TooMany(
        message=f"At most {most} {field} at once; these are {len(given)}.",
        field=field,
        most=most,
        given=len(given),
    )


def name_taken(what: str, name: str, field: str = "name") -> NameTaken:
    """The problem of a name that another one of the kind has."""
    return NameTaken(message=f"There is another {what} {name!r} already.", field=field)
