"""What Prometheus hears, and who else may."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis
from starlette.requests import Request
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from auth import LocalTokens
from db.batch import batch_systems
from db.pool import Pool
from resolvers.batch.metrics import may_scrape
from settings import Settings
from tests.application_server import SECRET, serve_application
from tests.factories import Factory
from tests.resolvers.conftest import PEOPLE
from tests.resolvers.submission_factory import SubmissionFactory
from tests.workers.campaigns import make_two_stage_campaign
from tests.workers.house import House, wait_until
from up.ports import find_free_port

Samples = dict[str, float]

TOKEN = "m" * 40


@pytest.fixture
async def settings(db: Pool, api_url: str, redis_url: str, tmp_path: Path) -> Settings:
    await db.execute(PEOPLE)
    return Settings(api_url, redis_url, tmp_path, tmp_path, SECRET, metrics_token=TOKEN)


@pytest.fixture
async def address(settings: Settings) -> AsyncIterator[str]:
    async with serve_application(settings) as found:
        yield found


def parse_samples(text: str) -> Samples:
    """Every sample by its name and the values of its labels, in the order of their names."""
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def scrape_samples(address: str) -> Samples:
    async with httpx2.AsyncClient() as http:
        headers = {"authorization": f"Bearer {TOKEN}"}
        answer = await http.get(f"http://{address}/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return parse_samples(answer.text)


async def test_batch_systems_submissions_and_credentials_are_measured(
    db: Pool, address: str
) -> None:
    asked_at = await batch_systems.claim_health_check(db, "pool", 0, 0)
    assert asked_at
    well = {"text": "well", "slots": 4, "running": 3, "queued": 2}
    await batch_systems.record_health(db, "pool", asked_at, well, reachable=True)
    work = await SubmissionFactory.make(db)
    await work.submission(work.reco)
    await db.execute(
        "INSERT INTO credential (experiment_id, owner_id, name, kind, owning_role, expires_at) "
        "SELECT e.id, p.id, 'pass', 'token', 'production', now() + interval '1 hour' FROM experiment e, person p "
        "WHERE e.name = 'hypot' AND p.username = 'anna'"
    )
    found = await scrape_samples(address)
    assert [found[f"poms_batch_system_{name} pool"] for name in ("reachable", "slots", "running", "queued")] == [
        1, 4, 3, 2,
    ]  # fmt: skip
    assert (found["poms_postgres_up"], found["poms_redis_up"]) == (1, 1)
    jobs = await db.fetchval("SELECT sum(jobs_idle) FROM submission")
    assert (found["poms_submissions local new"], found["poms_jobs local idle"]) == (1, jobs)
    assert 3500 < found["poms_credential_expires_in_seconds pass hypot"] <= 3600
    assert found["poms_credential_in_need pass hypot"] == 0
    assert found["poms_discrepancies_open pool"] == 0
    assert found["poms_batch_system_watched pool"] == 0
    assert "poms_batch_system_reader_lag_seconds pool" not in found


async def test_a_scrape_counts_no_jobs(db: Pool) -> None:
    from db.batch.metrics import EXPIRIES, UNFINISHED

    for sql in (UNFINISHED, EXPIRIES, batch_systems.EVERY):
        plan = "\n".join(row[0] for row in await db.fetch(f"EXPLAIN {sql}"))
        assert " on job" not in plan


async def test_requests_and_open_sockets_are_counted(address: str) -> None:
    before = (await scrape_samples(address)).get("poms_http_requests_total POST /graphql 401", 0)
    async with httpx2.AsyncClient() as http:
        await http.post(f"http://{address}/graphql", json={"query": "{ __typename }"})
        await http.get(f"http://{address}/who/knows/{before}")
    protocol = Subprotocol("graphql-transport-ws")
    async with connect(f"ws://{address}/graphql", subprotocols=[protocol]):
        found = await scrape_samples(address)
    assert found["poms_http_requests_total POST /graphql 401"] == before + 1
    assert found["poms_sockets"] == 1
    assert not [name for name in found if "/who/knows" in name]


async def test_without_redis_the_rest_is_still_measured(settings: Settings) -> None:
    away = replace(settings, redis_url=f"redis://127.0.0.1:{find_free_port()}/0")
    async with serve_application(away) as address:
        found = await scrape_samples(address)
    assert (found["poms_postgres_up"], found["poms_redis_up"]) == (1, 0)


def make_request(host: str | None, **headers: str) -> Request:
    sent = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    client = (host, 1) if host else None
    return Request({"type": "http", "headers": sent, "client": client})


@pytest.mark.parametrize(
    ("request_", "token", "may"),
    [
        (make_request("127.0.0.1"), "", False),
        (make_request("127.0.0.1", authorization="Bearer "), "", False),
        (make_request("127.0.0.1"), "secret", False),
        (make_request("10.0.0.7", authorization="Bearer secret"), "secret", True),
        (make_request("10.0.0.7", authorization="Bearer sécret"), "secret", False),
        (make_request("10.0.0.7", authorization="Bearer "), "secret", False),
    ],
)
def test_who_may_scrape(request_: Request, token: str, may: bool) -> None:
    assert may_scrape(request_, token) == may


async def test_a_persons_token_does_not_open_the_metrics(settings: Settings) -> None:
    person = LocalTokens(SECRET).issue("ada", timedelta(hours=1), datetime.now(UTC))
    async with serve_application(settings) as address, httpx2.AsyncClient() as http:
        url = f"http://{address}/metrics"
        refused = await http.get(url, headers={"authorization": f"Bearer {person}"})
        let_in = await http.get(url, headers={"authorization": f"Bearer {TOKEN}"})
    assert (refused.status_code, let_in.status_code) == (403, 200)


async def test_a_worker_counts_its_launches_and_its_faults(
    db: Pool, database_url: str, redis_url: str, redis: Redis, tmp_path: Path
) -> None:
    house, plant, port = (
        House(db, database_url, redis_url, tmp_path),
        await Factory.make(db),
        find_free_port(),
    )
    campaign = await make_two_stage_campaign(house, plant)
    await campaign.launch()
    try:
        house.runner()
        house.worker(POMS_METRICS_LISTEN=f"127.0.0.1:{port}")
        await wait_until(campaign.is_done, "the campaign's end", house)
        async with httpx2.AsyncClient() as http:
            found = parse_samples((await http.get(f"http://127.0.0.1:{port}/metrics")).text)
        other = house.worker(POMS_METRICS_LISTEN=f"127.0.0.1:{port}")

        async def complained() -> bool:
            return "nobody can scrape us" in house.read_logs()

        await wait_until(complained, "a word about the port that is taken", house)
        assert other.poll() is None
    finally:
        house.stop()
    launched = found.get("poms_launches_total local launched", 0)
    assert launched == found.get("poms_launch_seconds_count local", 0)
    assert launched > 0
