"""Fields with a resolver, each with the rule that says who may."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import strawberry

from door.limits import WEIGHT
from door.rules import RULE

F = TypeVar("F", bound=Callable[..., Any])


def declare_query(action: str = "view", *, weight: int = 0) -> Callable[[F], F]:
    """Declare a field that looks something up for those who may do this to anything at all.

    `weight`: how many nodes its work is worth, or the text that it yields.
    """
    return cast(Callable[[F], F], strawberry.field(metadata={RULE: action, WEIGHT: weight}))
