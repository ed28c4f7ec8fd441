"""One execution of an operation, and those who listen to it."""

import asyncio
import logging
from abc import ABC, abstractmethod
from contextlib import aclosing
from typing import TYPE_CHECKING

from strawberry.types.execution import PreExecutionError

import log_lines
from door.answers import encode_errors, encode_payload, is_request_error
from door.channels import RunMember
from door.context import DoorContext
from door.masking import mask_bug
from door.requests import GraphQLRequest

if TYPE_CHECKING:
    from door.schema import DoorSchema

log = logging.getLogger("door")


class OperationRun(ABC):
    """It ends with its last member, and always closes what it opened."""

    def __init__(self, schema: "DoorSchema", ask: GraphQLRequest, context: DoorContext) -> None:
        self.schema, self.ask, self.context = schema, ask, context
        self.members: dict[RunMember, None] = {}
        self.over = False
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to execute."""
        self.task = asyncio.create_task(self.go())

    def admit(self, member: RunMember) -> None:
        """Let one more listen."""
        self.members[member] = None
        member.run = self

    def leave(self, member: RunMember) -> None:
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
        log_lines.add_subjects(request_id=self.context.request_id)
        try:
            await self.execute()
            self.end("complete")
        except Exception as bug:
            self.end("error", encode_errors([mask_bug(bug, self.context)]))

    @abstractmethod
    async def execute(self) -> None:
        """Ask the schema and hand out what it answers."""


class SingleRun(OperationRun):
    """A query or a mutation on an open connection."""

    async def execute(self) -> None:
        """One result and the end."""
        ask = self.ask
        result = await self.schema.execute(
            ask.query, ask.variables, self.context, None, ask.operation_name
        )
        if is_request_error(result):
            return self.end("error", encode_errors(result.errors or ()))
        for member in self.members:
            member.push(encode_payload(result))
        return None


class SubscriptionRun(OperationRun):
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
                    return self.end("error", encode_errors(result.errors or ()))
                self.deliver(encode_payload(result))
                if not self.over:
                    await self.before()
                if self.over:
                    return None
        return None


class UnsharedStream(SubscriptionRun):
    """A subscription that isn't shared: who doesn't keep up is cut off."""

    def deliver(self, text: str) -> None:
        """Queue it, or give up."""
        for member in tuple(self.members):
            if not member.push(text):
                member.channel.overrun()
