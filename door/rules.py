"""Default deny: a field that does something and has no rule stops the server from starting."""

import inspect
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import FieldExtension
from strawberry.types.base import get_object_definition
from strawberry.types.field import StrawberryField
from strawberry.types.union import StrawberryUnion

from door.context import Progress

RULE = "action"
PUBLIC = "public"
REFUSAL = "NotPermitted"


class NoRule(Exception):
    """A field that could do something says nothing, or nothing known, about who may."""


def refusal(field: StrawberryField) -> Callable[[str], Any] | None:
    """Makes the member of the field's union that says no, if it has one."""
    kinds = field.type.types if isinstance(field.type, StrawberryUnion) else ()
    for kind in kinds:
        definition = get_object_definition(kind)
        if definition is not None and definition.name == REFUSAL:
            names = {field.python_name for field in definition.fields}
            return lambda action: definition.origin(
                **{
                    name: value
                    for name, value in {"message": sentence(action), "action": action}.items()
                    if name in names
                }
            )
    return None


def sentence(action: str) -> str:
    """What the client is told."""
    return f"You may not {action.replace('_', ' ')}."


class Enforce(FieldExtension):
    """Asks the viewer's context before the resolver runs."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.answer: Callable[[str], Any] | None = None

    def apply(self, field: StrawberryField) -> None:
        """Find out how this field says no: a member of its union, else an error."""
        self.answer = None if field.is_subscription else refusal(field)

    def refuse(self) -> Any:
        """Say no."""
        if self.answer is not None:
            return self.answer(self.action)
        raise GraphQLError(
            sentence(self.action), extensions={"code": "NOT_PERMITTED", "action": self.action}
        )

    def resolve(
        self, next_: Callable[..., Any], source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        """Ask, then go on."""
        if not info.context.may(self.action):
            return self.refuse()
        return next_(source, info, **kwargs)

    async def resolve_async(
        self,
        next_: Callable[..., Any],
        source: Any,
        info: strawberry.Info,
        **kwargs: Any,
    ) -> Any:
        """Ask, then go on; a subscription's result is a generator and can't be awaited."""
        if not info.context.may(self.action):
            return self.refuse()
        found = next_(source, info, **kwargs)
        return await found if inspect.isawaitable(found) else found


class Watch(FieldExtension):
    """Notes in a log's context whether its source waits for more."""

    def resolve(
        self, next_: Callable[..., Any], source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        """Wrap the source."""
        return watched(next_(source, info, **kwargs), info.context)

    async def resolve_async(
        self,
        next_: Callable[..., Any],
        source: Any,
        info: strawberry.Info,
        **kwargs: Any,
    ) -> Any:
        """Wrap the source."""
        found = next_(source, info, **kwargs)
        return watched(await found if inspect.isawaitable(found) else found, info.context)


async def watched(source: Any, context: Any) -> AsyncIterator[Any]:
    """The same results; in between, the context says that the source waits."""
    progress = context if isinstance(context, Progress) else Progress()
    try:
        while True:
            progress.waiting = True
            try:
                result = await anext(source)
            except StopAsyncIteration:
                return
            finally:
                progress.waiting = False
            yield result
    finally:
        await source.aclose()


def guard(field: StrawberryField, place: str, actions: Collection[str] | None) -> None:
    """Put the rule of a field in front of its resolver."""
    if any(isinstance(extension, Enforce) for extension in field.extensions):
        return
    action = field.metadata.get(RULE)
    if action is None:
        raise NoRule(
            f'{place} has no rule: add metadata={{"{RULE}": …}}, or "{PUBLIC}" if anybody may.'
        )
    if action == PUBLIC:
        return
    if actions is not None and action not in actions:
        raise NoRule(f"{place} has the rule {action!r}, which no role knows.")
    field.extensions.insert(0, Enforce(str(action)))
