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

from door.context import RunProgress

RULE = "action"
REFUSAL = "NotPermitted"


class NoRule(Exception):
    """A field that could do something says nothing, or nothing known, about who may."""


def find_refusal_factory(field: StrawberryField) -> Callable[[str], Any] | None:
    """Makes the member of the field's union that says no, if it has one."""
    kinds = field.type.types if isinstance(field.type, StrawberryUnion) else ()
    for kind in kinds:
        definition = get_object_definition(kind)
        if definition is not None and definition.name == REFUSAL:
            names = {field.python_name for field in definition.fields}
            return lambda action: definition.origin(
                **{
                    name: value
                    for name, value in {
                        "message": describe_refusal(action),
                        "action": action,
                    }.items()
                    if name in names
                }
            )
    return None


def describe_refusal(action: str) -> str:
    """What the client is told."""
    return f"You may not {action.replace('_', ' ')}."


class FieldPrelude(FieldExtension):
    """What is done before a field's resolver runs, and may answer in its place."""

    def prepare(self, context: Any) -> Any:
        """The answer in place of the resolver's; None: it goes on."""
        raise NotImplementedError

    def resolve(
        self, next_: Callable[..., Any], source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        """Prepare, then go on."""
        if (answer := self.prepare(info.context)) is not None:
            return answer
        return next_(source, info, **kwargs)

    async def resolve_async(
        self, next_: Callable[..., Any], source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        """Prepare, then go on; a subscription's result is a generator and can't be awaited."""
        if (answer := self.prepare(info.context)) is not None:
            return answer
        found = next_(source, info, **kwargs)
        return await found if inspect.isawaitable(found) else found


class EnforceRule(FieldPrelude):
    """Asks the viewer's context before the resolver runs."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.answer: Callable[[str], Any] | None = None

    def apply(self, field: StrawberryField) -> None:
        """Find out how this field says no: a member of its union, else an error."""
        self.answer = None if field.is_subscription else find_refusal_factory(field)

    def refuse(self) -> Any:
        """Say no."""
        if self.answer is not None:
            return self.answer(self.action)
        raise GraphQLError(
            describe_refusal(self.action),
            extensions={"code": "NOT_PERMITTED", "action": self.action},
        )

    def prepare(self, context: Any) -> Any:
        """Ask."""
        return None if context.may(self.action) else self.refuse()


class WatchSource(FieldExtension):
    """Notes in a log's context whether its source waits for more."""

    def resolve(
        self, next_: Callable[..., Any], source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        """Wrap the source."""
        return watch_source(next_(source, info, **kwargs), info.context)

    async def resolve_async(
        self,
        next_: Callable[..., Any],
        source: Any,
        info: strawberry.Info,
        **kwargs: Any,
    ) -> Any:
        """Wrap the source."""
        found = next_(source, info, **kwargs)
        return watch_source(await found if inspect.isawaitable(found) else found, info.context)


async def watch_source(source: Any, context: Any) -> AsyncIterator[Any]:
    """The same results; in between, the context says that the source waits."""
    progress = context if isinstance(context, RunProgress) else RunProgress()
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


def guard_field(field: StrawberryField, place: str, actions: Collection[str] | None) -> None:
    """Put the rule of a field in front of its resolver."""
    if any(isinstance(extension, EnforceRule) for extension in field.extensions):
        return
    action = field.metadata.get(RULE)
    if action is None:
        raise NoRule(f'{place} has no rule: add metadata={{"{RULE}": …}}, the action that it is.')
    if actions is not None and action not in actions:
        raise NoRule(f"{place} has the rule {action!r}, which no role knows.")
    field.extensions.append(EnforceRule(str(action)))  # the last one is asked first
