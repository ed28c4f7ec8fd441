"""Give committed changes their positions in the one order, and ring."""

from db import changes
from workers.failpoints import wrap_failpoints
from workers.tools import WorkerTools

BOUND = 2000


async def relay_once(tools: WorkerTools) -> bool:
    """Move one batch from the inbox; true when there may be more."""
    async with wrap_failpoints("relay.commit"):
        moved = await changes.relay_batch(tools.db, BOUND)
    if moved:
        async with wrap_failpoints("relay.ring"):
            await tools.ring()
    return moved >= BOUND
