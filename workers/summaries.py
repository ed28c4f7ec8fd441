"""Ask monitors and accounting for the numbers that somebody looks at, each host apart from the others."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from catalogs import CatalogRefused, CatalogUnavailable
from db.clock import read_time
from db.people import summaries
from db.people.summaries import SummaryClaim
from domain.files.listings import compute_next_try
from workers.dispatch import Dispatcher, TaskPool
from workers.setbacks import hold_thing
from workers.tools import WorkerTools

OF_EACH, MOST = 2, 8
"""Numbers asked for at once of each host, and of all."""
HELD_S = 120.0
"""For how long one is asked for by one worker: a call takes a minute at most, and is tried again for half of one."""


def make_dispatcher() -> Dispatcher[SummaryClaim, str]:
    """Hand questions out by their hosts: a slow one keeps only its own."""
    pool = TaskPool[str]("summaries", OF_EACH, MOST)
    return Dispatcher(pool, _take_summary, _ask_source, lambda claim: urlsplit(claim.url).netloc)


async def _take_summary(tools: WorkerTools, full: Sequence[str]) -> SummaryClaim | None:
    return await summaries.claim(tools.db, HELD_S, full)


async def _ask_source(tools: WorkerTools, claim: SummaryClaim) -> None:
    async with hold_thing(tools, "summaries") as thing:
        thing.name(f"summary:{claim.subject}:{claim.subject_id}", experiment_id=claim.experiment_id)
        try:
            value = await tools.monitors.ask(claim.experiment_id, *claim.asks)
            await summaries.record_answer(tools.db, claim, value)
        except CatalogUnavailable as error:
            now = await read_time(tools.db)
            again_in = compute_next_try(claim.attempts + 1, now) - now
            await summaries.record_trouble(tools.db, claim, str(error), again_in)
        except CatalogRefused as error:
            await summaries.record_trouble(tools.db, claim, str(error), None)
    await tools.ring()
