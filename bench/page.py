"""A page of 50 submissions with 12 fields, against an endpoint written by hand for just that page."""

import asyncio
import json
import sys
from contextlib import ExitStack, suppress

import orjson

from bench.machines import BenchMachines, BenchServer, build_role_url, read_line
from bench.planted import PlantedRows, make_token
from bench.ratios import RatioLine
from db.pool import open_pool
from domain.database_roles import API

AIM = 0.6
SUBMISSIONS, CONNECTIONS = 300, 16
ROUNDS, SECONDS, WARM_S = 7, 2.5, 1.5
LIVED = """
    UPDATE submission
       SET state = (ARRAY['idle', 'running', 'held', 'completed', 'located'])[1 + id % 5]::submission_state,
           reason = CASE WHEN id % 7 = 0 THEN 'one job is held' ELSE '' END,
           ended_at = CASE WHEN id % 5 > 2 THEN now() END,
           jobs = id % 3 + id % 4 + id % 9 + id % 2,
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


async def run_benchmark(machines: BenchMachines) -> list[RatioLine]:
    """Requests per second of both, in turns."""
    url = await machines.database()
    async with await open_pool(url) as db:
        planted = await PlantedRows.make(db)
        stage = await planted.gen()
        for _ in range(SUBMISSIONS):
            await planted.submission(stage)
        async with db.acquire() as conn, conn.transaction():
            # No submission goes to all of these from where it is.
            await conn.execute("SET LOCAL session_replication_role = replica")
            await conn.execute(LIVED)
        await db.execute("ANALYZE")
    with ExitStack() as stack:
        ours = stack.enter_context(machines.serving("app:create", build_role_url(API, url)))
        peer = stack.enter_context(machines.serving("bench.handwritten:create", url))
        unwalled = stack.enter_context(machines.serving("app:create", url))
        return await alternate_loads(ours, peer, unwalled, planted.campaign_id)


async def alternate_loads(
    ours: BenchServer, peer: BenchServer, unwalled: BenchServer, campaign_id: int
) -> list[RatioLine]:
    """Load one, then the next, several times; the last is ours as a role that no row policy holds."""
    load = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.http_load", stdin=-1, stdout=-1, limit=2**22
    )
    try:
        asked = (
            build_own_request(ours, campaign_id),
            build_peer_request(peer, campaign_id),
            build_own_request(unwalled, campaign_id),
        )
        check_same_answers(
            *[json.loads(str((await run_load(load, one, 0))["body"])) for one in asked[:2]]
        )
        for one in asked:
            await run_load(load, one, WARM_S)
        sides = list(zip((ours, peer, unwalled), asked, strict=True))
        found = [[await measure_load(load, *side) for side in sides] for _ in range(ROUNDS)]
    finally:
        with suppress(ProcessLookupError):
            load.kill()
        await load.wait()
    rates, cheap = [[[each[n][k] for each in found] for n in range(3)] for k in (0, 1)]
    name = "page of 50 submissions x 12 fields"
    return [
        RatioLine(name, rates[0], rates[1], "requests/s", AIM),
        RatioLine(f"{name}, by processor", cheap[0], cheap[1], "requests/s of processor time"),
        RatioLine(f"{name}, with row policies and without", rates[0], rates[2], "requests/s"),
    ]


Request = dict[str, object]


async def measure_load(
    load: asyncio.subprocess.Process, server: BenchServer, request: Request
) -> tuple[float, float]:
    """Answers per second, and per second of the server's processor."""
    before = server.cpu_s()
    found = await run_load(load, request, SECONDS)
    rate, answers = float(found["rate"]), float(found["answers"])
    return rate, answers / (server.cpu_s() - before)


def build_own_request(server: BenchServer, campaign_id: int) -> Request:
    body = orjson.dumps({"query": QUERY, "variables": {"campaign": f"campaign:{campaign_id}"}})
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAccept: application/json\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"Authorization: Bearer {make_token()}\r\n\r\n"
    )
    return {"port": server.port, "request": head + body.decode()}


def build_peer_request(server: BenchServer, campaign_id: int) -> Request:
    head = (
        f"GET /submissions?campaign={campaign_id} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Accept: application/json\r\nAuthorization: Bearer {make_token()}\r\n\r\n"
    )
    return {"port": server.port, "request": head}


async def run_load(
    load: asyncio.subprocess.Process, request: Request, seconds: float
) -> dict[str, float | str]:
    """Let the other process load a server for a while (0: ask once)."""
    assert load.stdin is not None
    what = {**request, "seconds": seconds, "connections": CONNECTIONS}
    load.stdin.write(orjson.dumps(what) + b"\n")
    found: dict[str, float | str] = orjson.loads(await read_line(load, seconds + 30))
    return found


def check_same_answers(ours: dict[str, object], peer: dict[str, object]) -> None:
    """Both have to answer the same, or there is nothing to compare."""
    assert "errors" not in ours, ours
    found = ours["data"]["submissions"]  # type: ignore[index]
    assert found["nodes"] == peer["nodes"], "the two answers differ"
    assert found["pageInfo"]["hasNextPage"] == peer["more"], "the two answers differ"
    assert len(found["nodes"]) == 50
    assert len(found["nodes"][0]) == 12
