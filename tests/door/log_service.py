"""A small service in memory: a log that anybody may follow, and a state that changes."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from dataclasses import field as kept
from enum import Enum
from functools import cache
from typing import Annotated, Any, cast

import strawberry
from graphql import GraphQLError
from starlette.requests import HTTPConnection

from door import Door, NotSignedIn, RunProgress, build_schema
from door.describe import declare_enum_type, declare_interface_type, declare_object_type
from door.limits import OperationLimits
from door.pages import Connection, Node, fetch_page, make_input_error
from door.schema import DoorSchema
from tests.door.fields import SEE, declare_field, declare_mutation, declare_subscription

Numbers = itertools.count(1)


class LogViewer(RunProgress):
    """Somebody who asks."""

    def __init__(
        self, world: "LogService", name: str, *, expires_in_s: float | None = None
    ) -> None:
        self.world, self.name, self.expires_in_s = world, name, expires_in_s
        self.request_id = f"r{next(Numbers)}"

    @property
    def scope(self) -> str:
        return self.name

    def may(self, action: str) -> bool:
        return self.name == "boss" or action != "rule"

    def alone(self) -> "LogViewer":
        return LogViewer(self.world, self.name, expires_in_s=self.expires_in_s)


@dataclass
class LogEntry:
    """What happened at one position."""

    position: int
    kind: str
    text: str


@dataclass
class Counts:
    """How often the sources ran."""

    started: int = 0
    closed: int = 0
    yielded: int = 0
    executed: int = 0


@dataclass
class LogService:
    """Everything that the resolvers know."""

    entries: list[LogEntry] = kept(default_factory=list)
    counts: Counts = kept(default_factory=Counts)
    state: int = 0
    beats: int = 0
    idle: int = 0
    """How many sources wait at the head."""
    bell: asyncio.Event = kept(default_factory=asyncio.Event)
    expires_in_s: float | None = None

    @property
    def head(self) -> int:
        return len(self.entries)

    def publish(self, text: str = "", kind: str = "a") -> int:
        self.entries.append(LogEntry(self.head + 1, kind, text))
        self.ring()
        return self.head

    def move(self, state: int) -> None:
        self.state = state
        self.ring()

    def beat(self) -> None:
        self.beats += 1
        self.ring()

    def ring(self) -> None:
        self.bell.set()
        self.bell = asyncio.Event()

    def has_closed(self, sources: int) -> bool:
        return self.counts.closed >= sources

    def has_come_past(self, position: int, total: int) -> bool:
        return self.head > position or self.head >= total

    async def wait(self) -> None:
        self.idle += 1
        try:
            await self.bell.wait()
        finally:
            self.idle -= 1

    async def sign_in(self, connection: HTTPConnection, token: str | None) -> LogViewer:
        if token == "broken":
            raise ZeroDivisionError("the list of people is lost")
        if token is None or not token.startswith("i-am-"):
            raise NotSignedIn("Send a token.")
        return LogViewer(self, token.removeprefix("i-am-"), expires_in_s=self.expires_in_s)


class Plain:
    """A viewer whose context doesn't tell the door when it is at the head."""

    def __init__(self, world: LogService) -> None:
        self.world, self.request_id, self.scope = world, "plain", "plain"
        self.position: int | None = None
        self.resume: int | None = None
        self.live = False
        self.expires_in_s = None

    def may(self, action: str) -> bool:
        return True

    def alone(self) -> "Plain":
        return Plain(self.world)


Info = strawberry.Info[LogViewer, None]


@declare_object_type
class Change:
    """One thing that happened."""

    position: int
    text: str

    @declare_field("look")
    async def executed(self, info: Info) -> int:
        """How often any change was executed."""
        await asyncio.sleep(0)
        info.context.world.counts.executed += 1
        return info.context.world.counts.executed


@declare_enum_type
class Colour(Enum):
    """What it looks like."""

    RED = "red"
    """Like blood."""
    BLUE = "blue"


@declare_interface_type
class Named:
    """Whatever has a name."""

    name: str
    """What it is called."""


@declare_object_type
class Item(Node, Named):
    """One item of the list."""

    colour: Colour

    @declare_field(SEE)
    async def loud(self) -> str:
        """Its name, shouted."""
        return self.name.upper()


@declare_object_type
class Done:
    """It is done."""

    by: str


@declare_object_type
class NotPermitted:
    """The viewer may not."""

    message: str
    action: str


RuleResult = Annotated[Done | NotPermitted, strawberry.union("RuleResult")]


@declare_object_type
class Query:
    """What can be asked."""

    @declare_field(SEE)
    def hello(self, name: str = "world") -> str:
        """Greet."""
        return f"hello {name}"

    @declare_field("rule")
    def secret(self) -> str | None:
        """Only for the boss."""
        return "42"

    @declare_field(SEE)
    async def slow(self) -> str:
        """Takes long."""
        await asyncio.sleep(60)
        return "at last"

    @declare_field(SEE)
    def crash(self) -> str | None:
        """A bug."""
        raise ZeroDivisionError("password=hunter2")

    @declare_field(SEE)
    def complain(self) -> str | None:
        """An error that is meant for the client."""
        raise make_input_error("Ask me otherwise.")

    @declare_field(SEE)
    async def items(
        self,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Item]:
        """Items by number."""
        return await fetch_page(
            page_numbers,
            make_item,
            lambda n: (n,),
            1,
            first=first,
            after=after,
            last=last,
            before=before,
        )


async def page_numbers(start: list[Any] | None, backwards: bool, limit: int) -> list[int]:
    """Numbers 0 to 119, read in one direction."""
    step, begin, end = (-1, 119, -1) if backwards else (1, 0, 120)
    return list(range(start[0] + step if start else begin, end, step))[:limit]


def make_item(n: int) -> Item:
    return Item(id=strawberry.ID(f"item:{n}"), name=f"n{n}", colour=Colour.RED)


@declare_object_type
class Mutation:
    """What can be done."""

    @declare_mutation("rule")
    def rule(self, info: Info) -> RuleResult:
        """Be the boss."""
        return Done(by=info.context.name)


async def follow_log(
    world: LogService, context: Any, kind: str | None, at: int, *, eager: bool = False
) -> AsyncIterator[Change]:
    """History, and then what comes. An eager one is at the head with the last of its history."""
    world.counts.started += 1
    at = at if context.resume is None else context.resume
    try:
        beats = world.beats
        while True:
            for entry in world.entries[at : at + 20]:
                at = entry.position
                if kind in (None, entry.kind):
                    context.position = at
                    context.live = context.live or (eager and at == world.head)
                    world.counts.yielded += 1
                    yield Change(position=at, text=entry.text)
            await asyncio.sleep(0)
            if at < world.head:
                continue
            context.position = at
            context.live = True
            if world.beats > beats:
                beats = world.beats
                yield Change(position=at, text="beat")
            elif at == world.head:
                await world.wait()
    finally:
        world.counts.closed += 1


@declare_object_type
class Subscription:
    """What can be followed."""

    @declare_subscription(SEE, share="log")
    async def changes(
        self, info: Info, kind: str | None = None, after: str | None = None
    ) -> AsyncIterator[Change]:
        """All changes after a cursor, history first."""
        world = info.context.world
        source = follow_log(world, info.context, kind, int(after) if after else world.head)
        async with aclosing(cast(AsyncGenerator[Change, None], source)) as found:
            async for change in found:
                yield change

    @declare_subscription(SEE, share="log")
    async def eager(self, info: Info, after: str | None = None) -> AsyncIterator[Change]:
        """The same, from a source that says early that it is at the head."""
        world = info.context.world
        source = follow_log(world, info.context, None, int(after or 0), eager=True)
        async with aclosing(cast(AsyncGenerator[Change, None], source)) as found:
            async for change in found:
                yield change

    @declare_subscription(SEE, share="state")
    async def state(self, info: Info, padding: int = 0) -> AsyncIterator[Change]:
        """The newest state."""
        world = info.context.world
        world.counts.started += 1
        try:
            while True:
                told = world.state
                world.counts.yielded += 1
                yield Change(position=told, text="x" * padding)
                while world.state == told:
                    await world.wait()
        finally:
            world.counts.closed += 1

    @declare_subscription(SEE)
    async def count(self, info: Info, to: int, padding: int = 0) -> AsyncIterator[Change]:
        """Count as fast as possible; not shared."""
        info.context.world.counts.started += 1
        try:
            for n in range(1, to + 1):
                yield Change(position=n, text="x" * padding)
        finally:
            info.context.world.counts.closed += 1

    @declare_subscription(SEE, share="state")
    async def broken(self, info: Info) -> AsyncIterator[Change]:
        """Fails when the state changes."""
        world = info.context.world
        try:
            yield Change(position=world.state, text="fine so far")
            await world.wait()
            raise ZeroDivisionError("password=hunter2")
        finally:
            world.counts.closed += 1

    @declare_subscription("rule")
    async def ruled(self) -> AsyncIterator[int]:
        """Only for the boss."""
        yield 1

    @declare_subscription(SEE)
    def refused(self) -> AsyncIterator[int]:
        """Never begins."""
        raise GraphQLError("Not today.")


@cache
def make_schema(limits: OperationLimits | None = None) -> DoorSchema:
    return build_schema(Query, Mutation, Subscription, actions={"look", "rule"}, limits=limits)


def make_door(world: LogService, **options: Any) -> Door[LogViewer]:
    return Door(make_schema(), world.sign_in, **options)
