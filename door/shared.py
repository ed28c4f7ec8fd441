"""Equal subscriptions of equal viewers run once and are encoded once.

A `state` says all in each result: who comes late gets the last one, who is slow the newest one.
A `log` is history and then news: everybody reads history alone, and joins the others at the head.
"""

import asyncio
from collections import deque
from collections.abc import Hashable
from typing import TYPE_CHECKING

from graphql import GraphQLError, OperationType

from door.answers import encode_errors
from door.channels import FEW_PENDING, MOST_PENDING, RunMember
from door.context import DoorContext, RunProgress
from door.requests import GraphQLRequest
from door.runs import SingleRun, SubscriptionRun, UnsharedStream
from door.sharing import Sharing

if TYPE_CHECKING:
    from door.schema import DoorSchema

MOST_RECENT = 256
MOST_RECENT_LENGTH = 4_000_000


class RecentResults:
    """The last results of a log, for those who come from history."""

    def __init__(self, floor: int) -> None:
        self.floor = self.head = floor
        """All results after the floor are here; the head is the last one's position."""
        self.kept: deque[tuple[int, str]] = deque()
        self.length = 0

    def add(self, position: int, text: str) -> None:
        """Keep one more, within bounds."""
        self.kept.append((position, text))
        self.head = max(self.head, position)
        self.length += len(text)
        while len(self.kept) > MOST_RECENT or self.length > MOST_RECENT_LENGTH:
            self.floor, old = self.kept.popleft()
            self.length -= len(old)

    def after(self, position: int) -> list[str] | None:
        """What came after a position; None when that is not all here."""
        if position < self.floor:
            return None
        return [text for at, text in self.kept if at > position]


class StateStream(SubscriptionRun):
    """Every result is the whole state."""

    def __init__(
        self, hub: "SharedRuns", key: Hashable, ask: GraphQLRequest, context: DoorContext
    ) -> None:
        super().__init__(hub.schema, ask, context)
        self.hub, self.key = hub, key
        self.last: str | None = None
        hub.running[key] = self

    def admit(self, member: RunMember) -> None:
        """Begin with the last state, if there was one."""
        super().admit(member)
        if self.last is not None:
            member.replace(self.last)

    def deliver(self, text: str) -> None:
        """Everybody gets the newest, in place of what they haven't read."""
        self.last = text
        for member in self.members:
            member.replace(text)

    def stop(self) -> None:
        """End, and let nobody else join."""
        self.hub.forget(self.key, self)
        super().stop()

    def end(self, kind: str, text: str = "") -> None:
        """End, and let nobody else join."""
        self.hub.forget(self.key, self)
        super().end(kind, text)


class LogStream(SubscriptionRun):
    """History for one member; then, at the head, the news for all equal ones."""

    def __init__(
        self, hub: "SharedRuns", key: Hashable, ask: GraphQLRequest, context: DoorContext
    ) -> None:
        super().__init__(hub.schema, ask, context)
        self.hub, self.key = hub, key
        self.recent: RecentResults | None = None
        """Set once this run is the shared one."""
        if isinstance(context, RunProgress):
            context.when_live(self.heard)

    async def before(self) -> None:
        """History waits for its reader; news wait for nobody."""
        if self.recent is None:
            for member in self.members:
                await member.room.wait()
                break
            if self.context.live:
                self.settle()
        await super().before()

    def deliver(self, text: str) -> None:
        """To the one reader, or to all and to the recent ones."""
        position = self.context.position
        if self.recent is not None and position is not None:
            self.recent.add(position, text)
        for member in tuple(self.members):
            self.give(member, position, text)
        if self.context.live:
            self.settle()

    def give(self, member: RunMember, position: int | None, text: str) -> None:
        """Queue a result, unless it was had before; who can't take it goes back to history."""
        if self.had(member, position):
            return
        if not member.push(text):
            self.fall_back(member)
        elif position is not None:
            member.position = position

    def had(self, member: RunMember, position: int | None) -> bool:
        """Whether a member was further than this run when it joined."""
        if member.ahead is None or position is None:
            return False
        ahead = member.ahead
        if position >= ahead:
            member.ahead = None
        return position <= ahead

    def fall_back(self, member: RunMember) -> None:
        """Too slow for the news: read them again as history, from where it is."""
        self.leave(member)
        if member.position is None:
            member.channel.overrun()
        else:
            self.hub.read_alone(member, self.key, resume=member.position)

    def heard(self) -> None:
        """The source says that it is at the head; see, once it really waits there."""
        asyncio.get_running_loop().call_soon(self.settle_at_rest)

    def settle_at_rest(self) -> None:
        """Nothing is under way: what was scanned through counts as had."""
        context = self.context
        if self.over or self.recent is not None or not getattr(context, "waiting", False):
            return
        for member in self.members:
            if context.position is not None:
                member.position = max(context.position, member.position or context.position)
        self.settle()

    def settle(self) -> None:
        """At the head: join those who are there, or be the one whom others join."""
        if self.recent is not None or self.over:
            return
        member = next(iter(self.members))
        if member.position is None:
            return
        shared = self.hub.running.get(self.key)
        if shared is None:
            self.recent = RecentResults(member.position)
            self.hub.running[self.key] = self
        elif isinstance(shared, LogStream) and shared.join(member, member.position):
            self.members.clear()
            self.stop()

    def join(self, member: RunMember, position: int) -> bool:
        """Take over somebody who has had everything up to a position, if that can be done."""
        recent = self.recent
        missed = recent.after(position) if recent is not None else None
        if recent is None or missed is None:
            return False
        if len(member.pending) + len(missed) > MOST_PENDING - FEW_PENDING:
            return False
        self.admit(member)
        member.ahead = position if position > recent.head else None
        member.position = max(position, recent.head)
        for text in missed:
            member.push(text)
        return True

    def stop(self) -> None:
        """End, and let nobody else join."""
        self.hub.forget(self.key, self)
        super().stop()

    def end(self, kind: str, text: str = "") -> None:
        """End, and let nobody else join."""
        self.hub.forget(self.key, self)
        super().end(kind, text)


class SharedRuns:
    """All shared runs of one schema in this process."""

    def __init__(self, schema: "DoorSchema") -> None:
        self.schema = schema
        self.running: dict[Hashable, StateStream | LogStream] = {}

    def forget(self, key: Hashable, run: "StateStream | LogStream") -> None:
        """A run ends."""
        if self.running.get(key) is run:
            del self.running[key]

    def begin(self, member: RunMember) -> None:
        """Execute what a member asks, by the kind of its operation."""
        ask, context = member.ask, member.channel.context
        try:
            operation = self.schema.operation(ask)
        except GraphQLError as error:
            return member.finish("error", encode_errors([error]))
        if operation.operation is OperationType.SUBSCRIPTION:
            return self.subscribe(member, self.schema.sharing(ask))
        once = SingleRun(self.schema, ask, context.alone())
        once.admit(member)
        return once.start()

    def subscribe(self, member: RunMember, sharing: Sharing) -> None:
        """Begin to listen, with the others if there are others."""
        context, ask = member.channel.context, member.ask
        key = sharing.key(ask, context.scope)
        if sharing.mode == "state":
            self.share_state(member, key)
        elif sharing.mode == "log":
            self.read_alone(member, key)
        else:
            alone = UnsharedStream(self.schema, ask, context.alone())
            alone.admit(member)
            alone.start()

    def share_state(self, member: RunMember, key: Hashable) -> None:
        """Listen to the run that there is, or begin it."""
        run = self.running.get(key)
        if run is None:
            run = StateStream(self, key, member.ask, member.channel.context.alone())
            run.start()
        run.admit(member)

    def read_alone(self, member: RunMember, key: Hashable, resume: int | None = None) -> None:
        """Begin with history."""
        context = member.channel.context.alone()
        context.resume = resume
        member.ahead = None
        run = LogStream(self, key, member.ask, context)
        run.admit(member)
        run.start()
