"""Asking the database with little patience."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from lanes import Lane

PATIENCE_S = 2.0
T = TypeVar("T")
COMPUTING = Lane("computing", 60.0, at_once=2)
"""Where what takes a while to compute does not keep others' answers."""


async def ask_within_deadline(question: Coroutine[Any, Any, T]) -> T | str:
    """What the database says, or why it doesn't.

    Whoever doesn't answer is left to himself: to cancel a query one has to ask the very same server.
    """
    asking = asyncio.create_task(question)
    await asyncio.wait([asking], timeout=PATIENCE_S)
    if not asking.done():
        asking.add_done_callback(lambda task: task.cancelled() or task.exception())
        return f"no answer in {PATIENCE_S:.0f} s"
    error = asking.exception()
    return asking.result() if error is None else type(error).__name__
