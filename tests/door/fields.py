"""How the fields of these tests are declared: each says who may, in types that mypy follows."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

from door.rules import RULE
from door.sharing import SHARE, Mode

F = TypeVar("F", bound=Callable[..., Any])

SEE = "look"
"""What everybody in these tests may do."""


def declare_field(action: str, *, deprecated: str | None = None) -> Callable[[F], F]:
    """A field with a resolver, for those who may do `action` (`SEE`: for everybody)."""
    made: Any = strawberry.field(deprecation_reason=deprecated, metadata={RULE: action})
    return made  # type: ignore[no-any-return]


def declare_mutation(action: str, *, deprecated: str | None = None) -> Callable[[F], F]:
    """A field that changes something; its union's `NotPermitted` says no."""
    made: Any = strawberry.mutation(deprecation_reason=deprecated, metadata={RULE: action})
    return made  # type: ignore[no-any-return]


def declare_subscription(
    action: str,
    *,
    share: Mode | None = None,
    deprecated: str | None = None,
) -> Callable[[F], F]:
    """A field that goes on.

    `share="state"`: each result says all, late and slow ones get the newest. `share="log"`: history
    from `after`, then news; the resolver sets `info.context.position` before each yield and
    `info.context.live` at the head.
    """
    metadata = {RULE: action, SHARE: share}
    made: Any = strawberry.subscription(deprecation_reason=deprecated, metadata=metadata)
    return made  # type: ignore[no-any-return]
