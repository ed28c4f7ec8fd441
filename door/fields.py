"""How fields are declared that run something: each says who may, in types that mypy follows."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

from door.rules import PUBLIC, RULE
from door.sharing import POSITION, SHARE, Mode

F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["PUBLIC", "field", "mutation", "subscription"]


def field(
    action: str, *, name: str | None = None, deprecated: str | None = None
) -> Callable[[F], F]:
    """A field with a resolver, for those who may do `action` (`PUBLIC`: for everybody)."""
    made: Any = strawberry.field(name=name, deprecation_reason=deprecated, metadata={RULE: action})
    return made  # type: ignore[no-any-return]


def mutation(
    action: str, *, name: str | None = None, deprecated: str | None = None
) -> Callable[[F], F]:
    """A field that changes something; its union's `NotPermitted` says no."""
    made: Any = strawberry.mutation(
        name=name, deprecation_reason=deprecated, metadata={RULE: action}
    )
    return made  # type: ignore[no-any-return]


def subscription(
    action: str,
    *,
    share: Mode | None = None,
    position: Callable[[str], int | None] | None = None,
    name: str | None = None,
    deprecated: str | None = None,
) -> Callable[[F], F]:
    """A field that goes on.

    `share="state"`: each result says all, late and slow ones get the newest. `share="log"`: history
    from `after`, then news; the resolver sets `info.context.position` before each yield and
    `info.context.live` at the head. `position` reads the position out of a cursor: then somebody who
    comes back needs no history as long as the recent results reach; None for a foreign cursor.
    """
    metadata = {RULE: action, SHARE: share, POSITION: position}
    made: Any = strawberry.subscription(name=name, deprecation_reason=deprecated, metadata=metadata)
    return made  # type: ignore[no-any-return]
