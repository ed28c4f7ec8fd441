"""`python -m tests.catalogs.listing_worker DATABASE SAM PLACE`: a worker that lists, and is killed at a place."""

import asyncio
import sys
from urllib.parse import urlsplit

from catalogs.opening import CatalogClients
from db.pool import open_pool
from tests.worker_tools import make_worker_tools
from workers import failpoints
from workers.listings import make_dispatcher


async def main(database_url: str, sam_url: str, place: str) -> None:
    """List whatever is due."""
    failpoints.arm_failpoint(place)
    clients = CatalogClients(frozenset([urlsplit(sam_url).netloc]))
    tools = make_worker_tools(await open_pool(database_url), catalogs=clients)
    source = make_dispatcher()
    while await source.step(tools):
        await source.pool.drain()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
