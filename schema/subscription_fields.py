"""Fields of Subscription, each with its rule and how equal ones are shared."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar, cast

import strawberry

from door.rules import RULE, FieldPrelude
from door.sharing import SHARE

F = TypeVar("F", bound=Callable[..., Any])


class AsAnybody(FieldPrelude):
    """Makes the run one of anybody with the viewer's roles, before it reads anything."""

    def prepare(self, context: Any) -> None:
        """Forget who began it."""
        context.be_anybody()


def declare_subscription(share: Literal["state", "log"], action: str = "view") -> Callable[[F], F]:
    """Declare a subscription: of whole states, or of a log of which nobody misses a line."""
    field = strawberry.subscription(metadata={RULE: action, SHARE: share}, extensions=[AsAnybody()])
    return cast(Callable[[F], F], field)
