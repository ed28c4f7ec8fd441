"""Doing what is asked once, however often it is asked with the same idempotency key."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from db import idempotency
from db.pool import Connection
from domain.names import wrong_text
from door.pages import bad_input
from schema.context import Info
from schema.problems import IdempotencyKeyReused, Problem

MOST_KEY = 200
P = TypeVar("P", bound=Problem)


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked: the mutation's name, the client's key, and the input that the key stands for."""

    operation: str
    key: str | None
    request: object


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it, and whether that was at an earlier time."""

    result: str
    again: bool = False


class Refused(Exception):
    """Ends the transaction of an effect that was a problem."""


async def once(
    info: Info, ask: Ask, effect: Callable[[Connection], Awaitable[str | P]]
) -> Done | P | IdempotencyKeyReused:
    """Run an effect in a transaction, with its key claimed first; rings after the commit.

    The effect returns a text that says what it made (an id), or a problem, which rolls all back.
    """
    check_key(ask.key)
    found: Done | P | None = None
    try:
        async with info.context.db.acquire() as conn, conn.transaction():
            found = await _attempt(conn, info, ask, effect)
            if not isinstance(found, Done):
                raise Refused
    except idempotency.KeyReused:
        return IdempotencyKeyReused(
            message="You have used this idempotency key for something else: take a new one."
        )
    except Refused:
        assert found is not None  # noqa: S101 - it was refused
        return found
    if not found.again:
        await info.context.ring()
    return found


def check_key(key: str | None) -> None:
    """Refuse a key that can't be kept."""
    if key is not None and (not key or wrong_text(key, MOST_KEY)):
        raise bad_input(f"An idempotency key has 1 to {MOST_KEY} characters.")


async def _attempt(
    conn: Connection, info: Info, ask: Ask, effect: Callable[[Connection], Awaitable[str | P]]
) -> Done | P:
    person_id = info.context.viewer.person_id
    if ask.key is not None:
        earlier = await idempotency.claim(conn, person_id, ask.key, ask.operation, ask.request)
        if earlier is not None:
            return Done(earlier, again=True)
    result = await effect(conn)
    if not isinstance(result, str):
        return result
    if ask.key is not None:
        await idempotency.finish(conn, person_id, ask.key, result)
    return Done(result)
