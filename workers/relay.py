"""Give committed changes their positions in the one order, and ring."""

from db import changes
from workers.points import around
from workers.tools import Tools

BOUND = 2000


async def step(tools: Tools) -> bool:
    """Move one batch from the inbox; true when there may be more."""
    async with around("relay.commit"):
        moved = await changes.relay(tools.db, BOUND)
    if moved:
        async with around("relay.ring"):
            await tools.ring()
    return moved >= BOUND
