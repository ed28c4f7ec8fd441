"""Changes pushed to many watchers of one campaign, against stock Strawberry on the same feed."""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import orjson
from redis.asyncio import Redis

import doorbell
from bench.machines import BenchMachines, BenchServer, read_line
from bench.planted import PlantedRows, make_token
from bench.ratios import RatioLine
from db import changes
from db.pool import Pool, open_pool

AIM = 8.0
WATCHERS, ROUNDS = (200, 1000), 5
MESSAGES_OF_OURS, MESSAGES_OF_PEER = 40_000, 4_000
"""So many in a burst that each side takes about a second."""
STATES, REST_S, TICK_S = 5, 0.3, 0.01
PACE, PACED_S = 1500, 3.0
"""Messages per second that both can deliver, and for how long, to see how late they come."""
CHANGES = """
    subscription Watch($id: ID!) {
      changes(filter: {campaignId: $id}) {
        __typename
        ... on SubmissionChange {
          cursor kind at submissionId reason revision state jobsTotal jobsIdle jobsRunning jobsSucceeded jobsFailed
        }
        ... on Heartbeat { at }
      }
    }
"""
SUBMISSION = """
    subscription Watch($id: ID!) {
      submissionChanged(id: $id) {
        __typename
        ... on SubmissionNow {
          head
          submission { id state stateSince reason jobsTotal jobsRunning jobsSucceeded jobsFailed }
        }
      }
    }
"""
TELL = """
    INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, part, reason, body)
    SELECT experiment_id, campaign_id, id, 'submission.running', 'watch', format('t=%s;', $2::bigint),
           submission_image(s)
      FROM submission s, generate_series(1, $3) WHERE id = $1
"""
MOVE = "UPDATE submission SET reason = format('t=%s;', $2::bigint), revision = revision + 1 WHERE id = $1"


@dataclass(frozen=True, slots=True)
class BurstRates:
    """How many messages came in a second, and in a second of the server's processor; and how late."""

    rate: float
    by_cpu: float
    late: dict[str, float]


@dataclass
class PushSide:
    """One server with its own database, and its watchers."""

    server: BenchServer
    db: Pool
    redis: Redis
    submission_id: int
    campaign_id: int
    path: str
    load: asyncio.subprocess.Process | None = None

    async def say(self, line: bytes) -> dict[str, float]:
        """Ask the watchers' process something."""
        assert self.load is not None
        assert self.load.stdin is not None
        self.load.stdin.write(line + b"\n")
        return await self.hear()

    async def hear(self) -> dict[str, float]:
        """What it says next."""
        assert self.load is not None
        found: dict[str, float] = orjson.loads(await read_line(self.load, 90))
        return found

    async def commit(self, number: int) -> float:
        """Commit changes, relay them and ring, as a worker does; when that began."""
        now = time.monotonic_ns()
        async with self.db.acquire() as conn, conn.transaction():
            await conn.execute(MOVE, self.submission_id, now)
            await conn.execute(TELL, self.submission_id, now, number)
        while await changes.relay_batch(self.db, 2000):
            pass
        await doorbell.ring_bell(self.redis)
        return now / 1e9

    async def burst(self, watchers: int, number: int) -> "BurstRates":
        """Commit many changes at once; everybody gets each."""
        await self.say(b"%d" % number)
        cpu, began = self.server.cpu_s(), await self.commit(number)
        found, messages = await self.hear(), watchers * number
        used = max(self.server.cpu_s() - cpu, TICK_S)
        return BurstRates(messages / (found["last"] - began), messages / used, found)

    async def states(self, watchers: int) -> "BurstRates":
        """Commit changes one by one, each long after the one before; the medians."""
        cpu, found = self.server.cpu_s(), []
        for _ in range(STATES):
            found.append(await self.burst(watchers, 1))
            await asyncio.sleep(REST_S)
        used = max(self.server.cpu_s() - cpu, TICK_S)
        late = {n: statistics.median(f.late[n] for f in found) for n in ("p50", "p99")}
        rate = statistics.median(f.rate for f in found)
        return BurstRates(rate, watchers * STATES / used, late)

    async def measure_delays(self, number: int, every_s: float) -> dict[str, float]:
        """How long after its commit a change comes, when there is no hurry."""
        await self.say(b"%d" % number)
        for _ in range(number):
            began = await self.commit(1)
            await asyncio.sleep(max(0.0, began + every_s - time.monotonic()))
        return await self.hear()


@asynccontextmanager
async def open_side(machines: BenchMachines, factory: str, path: str) -> AsyncIterator[PushSide]:
    """Serve an application on a database of its own."""
    url = await machines.database()
    async with await open_pool(url, most=2) as db, Redis.from_url(machines.redis_url) as redis:
        planted = await PlantedRows.make(db)
        submission = await planted.submission(await planted.gen())
        await db.execute("UPDATE submission SET reason = 't=0;'")
        with machines.serving(factory, url) as server:
            yield PushSide(server, db, redis, submission.id, planted.campaign_id, path)


@asynccontextmanager
async def watch_side(side: PushSide, query: str, kind: str, watchers: int) -> AsyncIterator[None]:
    """Many watch for as long as the block lasts."""
    words = ["-m", "bench.watching", str(side.server.port), side.path, make_token(), str(watchers)]
    side.load = await asyncio.create_subprocess_exec(sys.executable, *words, stdin=-1, stdout=-1)
    try:
        id = side.campaign_id if kind == "campaign" else side.submission_id
        await side.say(orjson.dumps({"query": query, "variables": {"id": f"{kind}:{id}"}}))
        yield
    finally:
        with suppress(ProcessLookupError):
            side.load.kill()
        await side.load.wait()


async def run_benchmark(machines: BenchMachines) -> list[RatioLine]:
    """Messages per second of both, in turns."""
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(open_side(machines, "app:create", "/graphql"))
        peer = await stack.enter_async_context(
            open_side(machines, "bench.plain:create", "/graphql/")
        )
        lines = [line for n in WATCHERS for line in await measure_changes(ours, peer, n)]
        return lines + [line for n in WATCHERS for line in await measure_states(ours, peer, n)]


async def measure_changes(ours: PushSide, peer: PushSide, watchers: int) -> list[RatioLine]:
    """A burst of changes, each of which everybody gets; then some at leisure."""
    numbers = {"ours": MESSAGES_OF_OURS // watchers, "peer": MESSAGES_OF_PEER // watchers}
    async with (
        watch_side(ours, CHANGES, "campaign", watchers),
        watch_side(peer, CHANGES, "campaign", watchers),
    ):
        sides = [(ours, numbers["ours"]), (peer, numbers["peer"])]
        for side, _ in sides:
            await side.burst(watchers, 2)
        rounds = [[await s.burst(watchers, n) for s, n in sides] for _ in range(ROUNDS)]
        number = int(PACE * PACED_S / watchers)
        late = [await side.measure_delays(number, PACED_S / number) for side, _ in sides]
    return format_lines(f"changes to {watchers} watchers", rounds, late)


async def measure_states(ours: PushSide, peer: PushSide, watchers: int) -> list[RatioLine]:
    """One change of a submission that everybody watches, until everybody has its new state."""
    sides = (ours, peer)
    async with (
        watch_side(ours, SUBMISSION, "submission", watchers),
        watch_side(peer, SUBMISSION, "submission", watchers),
    ):
        for side in sides:
            await side.states(watchers)
        rounds = [[await side.states(watchers) for side in sides] for _ in range(ROUNDS)]
    late = [
        {name: statistics.median(r[n].late[name] for r in rounds) for name in ("p50", "p99")}
        for n in (0, 1)
    ]
    return format_lines(f"submissionChanged to {watchers} watchers", rounds, late)


def format_lines(
    name: str, rounds: Sequence[Sequence[BurstRates]], late: Sequence[dict[str, float]]
) -> list[RatioLine]:
    """By the clock, and by the processor time of the server, which others on the machine don't change."""
    said = ", ".join(
        f"{who} {found['p50'] * 1000:.0f} and {found['p99'] * 1000:.0f} ms"
        for who, found in zip(("ours", "peer"), late, strict=True)
    )
    rates = [[pair[n].rate for pair in rounds] for n in (0, 1)]
    cheap = [[pair[n].by_cpu for pair in rounds] for n in (0, 1)]
    note = f"p50 and p99 from commit to receipt: {said}"
    return [
        RatioLine(name, rates[0], rates[1], "messages/s", AIM, note),
        RatioLine(f"{name}, by processor", cheap[0], cheap[1], "messages/s of processor time"),
    ]
