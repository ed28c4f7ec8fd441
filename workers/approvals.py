"""Look whether everybody has agreed to launches who has to, where what decides about it has changed.

And which requests run since: what launches knows nothing of requests.
"""

from db.requests import approvals, requests
from workers.failpoints import wrap_failpoints
from workers.setbacks import hold_thing
from workers.tools import WorkerTools

AT_ONCE = 200
"""Revisions of campaigns in one step."""


async def look_at_doubted(tools: WorkerTools) -> bool:
    """Look at revisions of campaigns; true when there may be more."""
    doubted = await approvals.list_doubted(tools.db, AT_ONCE)
    for each in doubted:
        async with (
            hold_thing(tools, "approvals") as thing,
            wrap_failpoints("approval.look"),
            tools.db.acquire() as conn,
            conn.transaction(),
        ):
            thing.name(f"campaign:{each.campaign_id}", experiment_id=each.experiment_id)
            await approvals.look_at_campaign(conn, each.campaign_id, each.revision)
    async with wrap_failpoints("approval.run"):
        begun = await requests.begin_running(tools.db)
    if doubted or begun:
        await tools.ring()
    return len(doubted) == AT_ONCE
