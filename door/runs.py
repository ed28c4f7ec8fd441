"""One execution of an operation, and those who listen to it."""

import asyncio
import logging
from abc import ABC, abstractmethod
from contextlib import aclosing
from typing import TYPE_CHECKING

from strawberry.types.execution import PreExecutionError

from door.answers import failure, is_request_error, payload
from door.asks import Ask
from door.channels import Member
from door.context import Context
from door.masking import mask_bug

if TYPE_CHECKING:
    from door.schema import DoorSchema

log = logging.getLogger("door")


class Run(ABC):
    """It ends with its last member, and always closes what it opened."""

    def __init__(self, schema: "DoorSchema", ask: Ask, context: Context) -> None:
        self.schema, self.ask, self.context = schema, ask, context
        self.members: dict[Member, None] = {}
        self.over = False
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to execute."""
        self.task = asyncio.create_task(self.go())

    def admit(self, member: Member) -> None:
        """Let one more listen."""
        self.members[member] = None
        member.run = self

    def leave(self, member: Member) -> None:
        """One listens no more; nobody left ends the run."""
        self.members.pop(member, None)
        member.run = None
        if not self.members:
            self.stop()

    def stop(self) -> None:
        """End the execution without a word to anybody."""
        self.over = True
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()

    def end(self, kind: str, text: str = "") -> None:
        """Tell all members that this was all."""
        self.over = True
        members, self.members = self.members, {}
        for member in members:
            member.finish(kind, text)

    async def go(self) -> None:
        """Execute, and end well in any case."""
        try:
            await self.execute()
            self.end("complete")
        except Exception as bug:
            self.end("error", failure([mask_bug(bug, self.context)]))

    @abstractmethod
    async def execute(self) -> None:
        """Ask the schema and hand out what it answers."""


class Once(Run):
    """A query or a mutation on an open connection."""

    async def execute(self) -> None:
        """One result and the end."""
        ask = self.ask
        result = await self.schema.execute(
            ask.query, ask.variables, self.context, None, ask.operation_name
        )
        if is_request_error(result):
            return self.end("error", failure(result.errors or ()))
        for member in self.members:
            member.push(payload(result))
        return None


class Stream(Run):
    """A subscription."""

    @abstractmethod
    def deliver(self, text: str) -> None:
        """Hand one encoded result to whom it concerns."""

    async def before(self) -> None:
        """Wait until the next result is wanted."""
        await asyncio.sleep(0)  # a source that never waits must not keep others from sending

    async def execute(self) -> None:
        """Pull results from the source, one by one."""
        ask = self.ask
        await self.before()
        stream = await self.schema.subscribe(
            ask.query, ask.variables, self.context, None, ask.operation_name
        )
        async with aclosing(stream):
            async for result in stream:
                if isinstance(result, PreExecutionError) or is_request_error(result):
                    return self.end("error", failure(result.errors or ()))
                self.deliver(payload(result))
                if not self.over:
                    await self.before()
                if self.over:
                    return None
        return None


class Alone(Stream):
    """A subscription that isn't shared: who doesn't keep up is cut off."""

    def deliver(self, text: str) -> None:
        """Queue it, or give up."""
        for member in tuple(self.members):
            if not member.push(text):
                member.channel.overrun()
