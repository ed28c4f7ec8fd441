"""Fields with a resolver, each with the rule that says who may."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import strawberry

from door.rules import RULE

F = TypeVar("F", bound=Callable[..., Any])


def reads(action: str = "view") -> Callable[[F], F]:
    """Declare a field that looks something up for those who may do this to anything at all."""
    return cast(Callable[[F], F], strawberry.field(metadata={RULE: action}))


def changes(action: str) -> Callable[[F], F]:
    """Declare a mutation for those who may do this to anything at all."""
    return cast(Callable[[F], F], strawberry.mutation(metadata={RULE: action}))
