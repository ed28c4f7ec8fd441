"""Mutations: each changes all that it changes in one transaction, and once for each idempotency key."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from contextvars import ContextVar
from typing import Any, TypeVar, cast

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.extensions import FieldExtension
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from db import idempotency
from db.idempotency import Ask
from db.outages import find_outage
from db.pool import Connection
from domain.names import check_text
from door.pages import make_input_error
from door.rules import RULE
from resolvers.kept_answers import Vanished, pack_answer, unpack_answer
from schema.context import Info
from schema.problems import IdempotencyKeyReused, NotFound, Problem, TryAgainLater

MOST_KEY = 200
KEY, DRY = "idempotency_key", "dry_run"
F = TypeVar("F", bound=Callable[..., Any])

log = logging.getLogger("resolvers")


def declare_mutation(action: str) -> Callable[[F], F]:
    """Declare a mutation for those who may do this to anything at all; it takes an idempotency key as its last
    argument. What it changes, it changes after `begin_change`; with `dryRun` it changes nothing."""
    extensions = [ChangeOnce(), AnswerOutage()]  # the last one is outermost
    return cast(
        Callable[[F], F], strawberry.mutation(metadata={RULE: action}, extensions=extensions)
    )


class AnswerOutage(FieldExtension):
    """Answers `TryAgainLater` where the database can't do its work: the transaction changed nothing."""

    async def resolve_async(
        self, next_: Callable[..., Any], source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        """Carry it out, or say what is missing."""
        try:
            return await next_(source, info, **kwargs)
        except Exception as error:
            outage = find_outage(error)
            if outage is None:
                raise
            log.warning("request %s: %s: %r", info.context.request_id, info.field_name, error)
            return TryAgainLater.of(outage)


class Repeated(Exception):
    """The key was used before, for the same; ends the transaction."""

    def __init__(self, kept: str) -> None:
        super().__init__("asked again")
        self.kept = kept


class TakenBack(Exception):
    """Ends a transaction that shall have changed nothing: a problem was answered, or it was a dry run."""


class MutationRun:
    """One mutation that is carried out: its key, its transaction, and what follows the commit."""

    def __init__(self, info: Info, key: str | None, request: Mapping[str, Any]) -> None:
        self.info, self.stack = info, AsyncExitStack()
        self.is_dry = bool(request.get(DRY) or getattr(request.get("input"), DRY, False))
        person_id = info.context.viewer.person_id
        self.ask = (
            None if key is None or self.is_dry else Ask(person_id, key, info.field_name, request)
        )
        self.conn: Connection | None = None
        self.afterwards: list[Callable[[], Awaitable[None]]] = []

    async def recall(self) -> None:
        """Raise `Repeated` where this was done with its key before."""
        if self.ask is not None:
            kept = await idempotency.find_kept_answer(self.info.context.db, self.ask)
            if kept is not None:
                raise Repeated(kept)

    async def begin(self, *, reaches_all: bool) -> Connection:
        """Begin the transaction, with the key claimed first."""
        assert self.conn is None  # noqa: S101 - a mutation begins once
        context = self.info.context
        reached = context.everything if reaches_all else context.reached
        self.conn = await self.stack.enter_async_context(reached.acquire())
        await self.stack.enter_async_context(self.conn.transaction())
        if self.ask is not None:
            kept = await idempotency.claim_key(self.conn, self.ask)
            if kept is not None:
                raise Repeated(kept)
        self.stack.enter_context(context.within(self.conn))
        return self.conn

    async def end(self, answer: object) -> None:
        """Keep the answer with the key, or end the transaction by `TakenBack`."""
        if self.conn is None:
            # Done by a request of the same key meanwhile, it may be in the way of this one.
            await self.recall()
        elif self.is_dry or isinstance(answer, Problem):
            raise TakenBack
        elif self.ask is not None:
            await idempotency.keep_result(self.conn, self.ask, pack_answer(answer))

    async def follow(self) -> None:
        """Do what follows the commit."""
        if self.conn is None:
            return
        await self.info.context.ring()
        for step in self.afterwards:
            await step()


RUN: ContextVar[MutationRun] = ContextVar("mutation")


async def begin_change(*, reaches_all: bool = False) -> Connection:
    """Begin what the mutation changes: from here on `info.context` reads and writes in its one transaction.

    It reaches what the viewer does, unless it says that it reaches rows of all experiments.
    Answered with a problem, or with `dryRun`, it changes nothing, and its key is free again. After the commit it
    rings.
    """
    return await RUN.get().begin(reaches_all=reaches_all)


def add_after_commit(step: Callable[[], Awaitable[None]]) -> None:
    """Do this, too, once what the mutation changes is committed; not when it is asked again."""
    RUN.get().afterwards.append(step)


class ChangeOnce(FieldExtension):
    """Gives a mutation its transaction, and its idempotency key."""

    def apply(self, field: StrawberryField) -> None:
        """Add the argument, after all others."""
        if all(argument.python_name != KEY for argument in field.arguments):
            annotation = StrawberryAnnotation(str | None)
            key = StrawberryArgument(KEY, None, annotation, default=None)
            field.arguments = [*field.arguments, key]

    async def resolve_async(
        self,
        next_: Callable[..., Any],
        source: Any,
        info: strawberry.Info,
        idempotency_key: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Carry it out once, or say what came of it then."""
        check_key(idempotency_key)
        run = MutationRun(info, idempotency_key, kwargs)
        token = RUN.set(run)
        try:
            await run.recall()
            async with run.stack:
                answer = await next_(source, info, **kwargs)
                await run.end(answer)
        except TakenBack:
            return answer
        except Repeated as repeated:
            return await _answer_again(info, repeated.kept)
        except idempotency.KeyReused:
            said = "You have used this idempotency key for something else: take a new one."
            return IdempotencyKeyReused(message=said)
        finally:
            RUN.reset(token)
        await run.follow()
        return answer


async def _answer_again(info: Info, kept: str) -> Any:
    try:
        return await unpack_answer(info, kept)
    except Vanished:
        said = "It was done with this idempotency key, and what it made is not there any more, or not yours to see."
        return NotFound(message=said)


def check_key(key: str | None) -> None:
    """Refuse a key that can't be kept."""
    if key is not None and (not key or check_text(key, MOST_KEY)):
        raise make_input_error(f"An idempotency key has 1 to {MOST_KEY} characters.")
