"""A small service in memory: a log that anybody may follow, and a state that changes."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from dataclasses import field as kept
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, cast

import strawberry
from graphql import GraphQLError
from starlette.requests import HTTPConnection

from door import Door, NotSignedIn, Progress, build
from door.describe import choice, shape, thing
from door.fields import PUBLIC, field, mutation, subscription
from door.pages import Connection, Node, bad_input, page
from door.schema import DoorSchema

Numbers = itertools.count(1)


class Viewer(Progress):
    """Somebody who asks."""

    def __init__(self, world: "World", name: str, *, expires_at: datetime | None = None) -> None:
        self.world, self.name, self.expires_at = world, name, expires_at
        self.request_id = f"r{next(Numbers)}"

    @property
    def signed_in(self) -> bool:
        return self.name != "guest"

    @property
    def scope(self) -> str:
        return self.name

    def may(self, action: str) -> bool:
        return self.name == "boss" or action != "rule"

    def alone(self) -> "Viewer":
        return Viewer(self.world, self.name, expires_at=self.expires_at)


@dataclass
class Entry:
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
class World:
    """Everything that the resolvers know."""

    entries: list[Entry] = kept(default_factory=list)
    counts: Counts = kept(default_factory=Counts)
    state: int = 0
    beats: int = 0
    idle: int = 0
    """How many sources wait at the head."""
    bell: asyncio.Event = kept(default_factory=asyncio.Event)
    expires_at: datetime | None = None

    @property
    def head(self) -> int:
        return len(self.entries)

    def publish(self, text: str = "", kind: str = "a") -> int:
        self.entries.append(Entry(self.head + 1, kind, text))
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

    async def sign_in(self, connection: HTTPConnection, token: str | None) -> Viewer:
        if token == "broken":
            raise ZeroDivisionError("the list of people is lost")
        if token is None or not token.startswith("i-am-"):
            raise NotSignedIn("Send a token.")
        return Viewer(self, token.removeprefix("i-am-"), expires_at=self.expires_at)


class Plain:
    """A viewer whose context doesn't tell the door when it is at the head."""

    def __init__(self, world: World) -> None:
        self.world, self.request_id, self.scope = world, "plain", "plain"
        self.position: int | None = None
        self.resume: int | None = None
        self.live = False
        self.signed_in, self.expires_at = True, None

    def may(self, action: str) -> bool:
        return True

    def alone(self) -> "Plain":
        return Plain(self.world)


Info = strawberry.Info[Viewer, None]


@thing
class Change:
    """One thing that happened."""

    position: int
    text: str

    @field("look")
    async def executed(self, info: Info) -> int:
        """How often any change was executed."""
        await asyncio.sleep(0)
        info.context.world.counts.executed += 1
        return info.context.world.counts.executed


@choice
class Colour(Enum):
    """What it looks like."""

    RED = "red"
    """Like blood."""
    BLUE = "blue"


@shape
class Named:
    """Whatever has a name."""

    name: str
    """What it is called."""


@thing
class Item(Node, Named):
    """One item of the list."""

    colour: Colour

    @field(PUBLIC)
    async def loud(self) -> str:
        """Its name, shouted."""
        return self.name.upper()


@thing
class Done:
    """It is done."""

    by: str


@thing
class NotPermitted:
    """The viewer may not."""

    message: str
    action: str


RuleResult = Annotated[Done | NotPermitted, strawberry.union("RuleResult")]


@thing
class Query:
    """What can be asked."""

    @field(PUBLIC)
    def hello(self, name: str = "world") -> str:
        """Greet."""
        return f"hello {name}"

    @field("rule")
    def secret(self) -> str | None:
        """Only for the boss."""
        return "42"

    @field(PUBLIC)
    def crash(self) -> str | None:
        """A bug."""
        raise ZeroDivisionError("password=hunter2")

    @field(PUBLIC)
    def complain(self) -> str | None:
        """An error that is meant for the client."""
        raise bad_input("Ask me otherwise.")

    @field(PUBLIC)
    async def items(
        self,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Item]:
        """Items by number."""
        return await page(
            numbers, item, lambda n: (n,), 1, first=first, after=after, last=last, before=before
        )


async def numbers(start: list[Any] | None, backwards: bool, limit: int) -> list[int]:
    """Numbers 0 to 119, read in one direction."""
    step, begin, end = (-1, 119, -1) if backwards else (1, 0, 120)
    return list(range(start[0] + step if start else begin, end, step))[:limit]


def item(n: int) -> Item:
    return Item(id=strawberry.ID(f"item:{n}"), name=f"n{n}", colour=Colour.RED)


@thing
class Mutation:
    """What can be done."""

    @mutation("rule")
    def rule(self, info: Info) -> RuleResult:
        """Be the boss."""
        return Done(by=info.context.name)


def cursor(text: str) -> int | None:
    """The position in a cursor."""
    return int(text) if text.isdigit() else None


async def follow(
    world: World, context: Any, kind: str | None, at: int, *, eager: bool = False
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


@thing
class Subscription:
    """What can be followed."""

    @subscription(PUBLIC, share="log")
    async def changes(
        self, info: Info, kind: str | None = None, after: str | None = None
    ) -> AsyncIterator[Change]:
        """All changes after a cursor, history first."""
        world = info.context.world
        source = follow(world, info.context, kind, int(after) if after else world.head)
        async with aclosing(cast(AsyncGenerator[Change, None], source)) as found:
            async for change in found:
                yield change

    @subscription(PUBLIC, share="log")
    async def eager(self, info: Info, after: str | None = None) -> AsyncIterator[Change]:
        """The same, from a source that says early that it is at the head."""
        world = info.context.world
        source = follow(world, info.context, None, int(after or 0), eager=True)
        async with aclosing(cast(AsyncGenerator[Change, None], source)) as found:
            async for change in found:
                yield change

    @subscription(PUBLIC, share="log", position=cursor)
    async def resumable(self, info: Info, after: str | None = None) -> AsyncIterator[Change]:
        """The same, with cursors that the door can read."""
        world = info.context.world
        source = follow(world, info.context, None, int(after) if after else world.head)
        async with aclosing(cast(AsyncGenerator[Change, None], source)) as found:
            async for change in found:
                yield change

    @subscription(PUBLIC, share="state")
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

    @subscription(PUBLIC)
    async def count(self, info: Info, to: int, padding: int = 0) -> AsyncIterator[Change]:
        """Count as fast as possible; not shared."""
        info.context.world.counts.started += 1
        try:
            for n in range(1, to + 1):
                yield Change(position=n, text="x" * padding)
        finally:
            info.context.world.counts.closed += 1

    @subscription(PUBLIC, share="state")
    async def broken(self, info: Info) -> AsyncIterator[Change]:
        """Fails when the state changes."""
        world = info.context.world
        try:
            yield Change(position=world.state, text="fine so far")
            await world.wait()
            raise ZeroDivisionError("password=hunter2")
        finally:
            world.counts.closed += 1

    @subscription("rule")
    async def ruled(self) -> AsyncIterator[int]:
        """Only for the boss."""
        yield 1

    @subscription(PUBLIC)
    def refused(self) -> AsyncIterator[int]:
        """Never begins."""
        raise GraphQLError("Not today.")


@cache
def make_schema() -> DoorSchema:
    return build(Query, Mutation, Subscription, actions={"look", "rule"})


def make_door(world: World, **options: Any) -> Door[Viewer]:
    return Door(make_schema(), world.sign_in, **options)
