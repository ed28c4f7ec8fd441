"""Fields of Subscription, each with its rule and how equal ones are shared."""

import inspect
from collections.abc import Callable
from typing import Any, Literal, TypeVar, cast

import strawberry
from strawberry.extensions import FieldExtension

from door.rules import RULE
from door.sharing import SHARE

F = TypeVar("F", bound=Callable[..., Any])


class AsAnybody(FieldExtension):
    """Makes the run one of anybody with the viewer's roles, before it reads anything."""

    def resolve(
        self, next_: Callable[..., Any], source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        """Forget who began it."""
        info.context.be_anybody()
        return next_(source, info, **kwargs)

    async def resolve_async(
        self,
        next_: Callable[..., Any],
        source: Any,
        info: strawberry.Info,
        **kwargs: Any,
    ) -> Any:
        """Forget who began it; a subscription's result is a generator and can't be awaited."""
        info.context.be_anybody()
        found = next_(source, info, **kwargs)
        return await found if inspect.isawaitable(found) else found


def watches(share: Literal["state", "log"], action: str = "view") -> Callable[[F], F]:
    """Declare a subscription: of whole states, or of a log of which nobody misses a line."""
    field = strawberry.subscription(metadata={RULE: action, SHARE: share}, extensions=[AsAnybody()])
    return cast(Callable[[F], F], field)
