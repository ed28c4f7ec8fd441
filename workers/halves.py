"""Commit many things together; where the database refuses, by halves, down to the one that it refuses."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from db.pool import REFUSALS, describe_error

T = TypeVar("T")


async def commit_by_halves(
    things: Sequence[T],
    commit: Callable[[Sequence[T]], Awaitable[None]],
    refused: Callable[[T, str], Awaitable[None]],
) -> None:
    """Every thing is committed once, in order, or handed to `refused` with the database's words."""
    try:
        await commit(things)
    except REFUSALS as error:
        if not things:
            raise
        if len(things) == 1:
            await refused(things[0], describe_error(error))
            return
        half = len(things) // 2
        await commit_by_halves(things[:half], commit, refused)
        await commit_by_halves(things[half:], commit, refused)
