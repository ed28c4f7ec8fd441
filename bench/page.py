"""A page of 50 submissions with 12 fields, against an endpoint written by hand for just that page."""

import asyncio
import json
import sys
from contextlib import ExitStack, suppress

import orjson

from bench.machines import Machines, Server, line_of
from bench.planted import Planted, token
from bench.ratios import Line
from db.pool import open_pool

AIM = 0.6
SUBMISSIONS, CONNECTIONS = 300, 16
ROUNDS, SECONDS, WARM_S = 7, 2.5, 1.5
LIVED = """
    UPDATE submission
       SET state = (ARRAY['idle', 'running', 'held', 'completed', 'located'])[1 + id % 5]::submission_state,
           reason = CASE WHEN id % 7 = 0 THEN 'one job is held' ELSE '' END,
           jobs_idle = id % 3, jobs_running = id % 4, jobs_succeeded = id % 9, jobs_failed = id % 2,
           cpu_s = 3600.5 * id, wall_s = 4000.25 * id
"""
QUERY = """
    query Page($campaign: ID!) {
      submissions(first: 50, filter: {campaignId: $campaign}) {
        nodes {
          id state stateSince reason isTest createdAt
          jobsTotal jobsRunning jobsSucceeded jobsFailed filesDone cpuS
        }
        pageInfo { hasNextPage endCursor }
      }
    }
"""


async def run(machines: Machines) -> list[Line]:
    """Requests per second of both, in turns."""
    url = await machines.database()
    async with await open_pool(url) as db:
        planted = await Planted.make(db)
        stage = await planted.gen()
        for _ in range(SUBMISSIONS):
            await planted.submission(stage)
        await db.execute(LIVED)
        await db.execute("ANALYZE")
    with ExitStack() as stack:
        ours = stack.enter_context(machines.serving("app:create", url))
        peer = stack.enter_context(machines.serving("bench.handwritten:create", url))
        return await alternated(ours, peer, planted.campaign_id)


async def alternated(ours: Server, peer: Server, campaign_id: int) -> list[Line]:
    """Load one, then the other, several times."""
    load = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.http_load", stdin=-1, stdout=-1, limit=2**22
    )
    try:
        asked = request_of_ours(ours, campaign_id), request_of_peer(peer, campaign_id)
        same(*[json.loads(str((await told(load, one, 0))["body"])) for one in asked])
        for one in asked:
            await told(load, one, WARM_S)
        sides = list(zip((ours, peer), asked, strict=True))
        found = [[await measured(load, *side) for side in sides] for _ in range(ROUNDS)]
    finally:
        with suppress(ProcessLookupError):
            load.kill()
        await load.wait()
    rates = [[pair[n][0] for pair in found] for n in (0, 1)]
    cheap = [[pair[n][1] for pair in found] for n in (0, 1)]
    name = "page of 50 submissions x 12 fields"
    return [
        Line(name, rates[0], rates[1], "requests/s", AIM),
        Line(f"{name}, by processor", cheap[0], cheap[1], "requests/s of processor time"),
    ]


Request = dict[str, object]


async def measured(
    load: asyncio.subprocess.Process, server: Server, request: Request
) -> tuple[float, float]:
    """Answers per second, and per second of the server's processor."""
    before = server.cpu_s()
    found = await told(load, request, SECONDS)
    rate, answers = float(found["rate"]), float(found["answers"])
    return rate, answers / (server.cpu_s() - before)


def request_of_ours(server: Server, campaign_id: int) -> Request:
    body = orjson.dumps({"query": QUERY, "variables": {"campaign": f"campaign:{campaign_id}"}})
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAccept: application/json\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"Authorization: Bearer {token()}\r\n\r\n"
    )
    return {"port": server.port, "request": head + body.decode()}


def request_of_peer(server: Server, campaign_id: int) -> Request:
    head = (
        f"GET /submissions?campaign={campaign_id} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Accept: application/json\r\nAuthorization: Bearer {token()}\r\n\r\n"
    )
    return {"port": server.port, "request": head}


async def told(
    load: asyncio.subprocess.Process, request: Request, seconds: float
) -> dict[str, float | str]:
    """Let the other process load a server for a while (0: ask once)."""
    assert load.stdin is not None
    what = {**request, "seconds": seconds, "connections": CONNECTIONS}
    load.stdin.write(orjson.dumps(what) + b"\n")
    found: dict[str, float | str] = orjson.loads(await line_of(load, seconds + 30))
    return found


def same(ours: dict[str, object], peer: dict[str, object]) -> None:
    """Both have to answer the same, or there is nothing to compare."""
    assert "errors" not in ours, ours
    found = ours["data"]["submissions"]  # type: ignore[index]
    assert found["nodes"] == peer["nodes"], "the two answers differ"
    assert found["pageInfo"]["hasNextPage"] == peer["more"], "the two answers differ"
    assert len(found["nodes"]) == 50
    assert len(found["nodes"][0]) == 12
