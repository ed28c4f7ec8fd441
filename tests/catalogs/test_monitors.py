"""Numbers of a real Prometheus, and of answers as Elasticsearch and LENS give them: kept with their age."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from catalogs.monitors import MonitorClients
from db.people import summaries
from db.people.summaries import Summary, WantedSummary
from db.pool import Pool
from domain.links import LinkSubject
from domain.summaries import SummaryQuery, SummarySource
from tests.catalogs.prometheus_server import Prometheus, run_prometheus
from tests.catalogs.sam_bench import SamBench
from tests.factories import Factory
from tests.worker_tools import make_worker_tools
from workers.summaries import make_dispatcher
from workers.tools import WorkerTools

HOSTILE = """spring "mc" \\ {x} %(a)s"""
DUE = "UPDATE summary SET next_try_at = now() WHERE next_try_at IS NOT NULL"
OLD = "UPDATE summary SET asked_at = asked_at - interval '1 day', tried_at = tried_at - interval '1 day'"
UP = 'sum(up{job="%(campaign_name)s"})'


@dataclass
class SummaryReader:
    """Somebody who looks at a campaign's number, and a worker that asks for it."""

    db: Pool
    tools: WorkerTools
    asked: SummaryQuery

    @classmethod
    async def make(
        cls, db: Pool, worker_db: Pool, url: str, query: str, path: str = "",
        source: SummarySource = SummarySource.PROMETHEUS,
    ) -> "SummaryReader":  # fmt: skip
        await Factory.make(db)
        asked = SummaryQuery(LinkSubject.CAMPAIGN, "Up", "", source, url, query, path)
        made = cls(db, make_worker_tools(worker_db, lease_s=30), asked)
        made.begin_anew(url)
        return made

    def begin_anew(self, url: str) -> None:
        """As a worker that has just begun: it knows of no circuit."""
        self.trust(url.split("/")[2])

    def trust(self, *hosts: str) -> None:
        self.tools = replace(self.tools, monitors=MonitorClients(frozenset(hosts)))

    async def look(self) -> Summary:
        experiment = await self.db.fetchval("SELECT id FROM experiment")
        query = self.asked.fill({"campaign_name": HOSTILE})
        assert query is not None
        wanted = WantedSummary(experiment, LinkSubject.CAMPAIGN, 1, self.asked, query)
        found = await summaries.request_summaries(self.db, [wanted])
        if not found:  # a statement doesn't see what it has just made
            found = await summaries.request_summaries(self.db, [wanted])
        return found[0]

    async def work(self) -> Summary:
        """Look, let a worker do all that is due, and look again."""
        await self.look()
        await self.db.execute(DUE)
        source = make_dispatcher()
        while await source.step(self.tools):
            await source.pool.drain()
        await source.pool.drain()
        return await self.look()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with run_prometheus(tmp_path_factory.mktemp("prometheus"), HOSTILE) as made:
        yield made


async def test_a_number_of_prometheus_is_kept_and_outlives_it_with_its_age(
    db: Pool, worker_db: Pool, prometheus: Prometheus
) -> None:
    reader = await SummaryReader.make(db, worker_db, prometheus.url, UP)
    assert (await reader.look()).asked_at is None
    first = await reader.work()
    assert (first.value, first.trouble) == (1.0, "")
    # Fresh: nobody asks again.
    assert await db.fetchval("SELECT next_try_at FROM summary") is None
    await reader.look()
    assert await db.fetchval("SELECT next_try_at FROM summary") is None
    await db.execute(OLD)
    prometheus.stop()
    try:
        late = await reader.work()
    finally:
        prometheus.start()
    assert late.value == 1.0
    assert late.asked_at is not None
    assert first.asked_at is not None
    assert late.asked_at < first.asked_at
    assert late.trouble
    assert await db.fetchval("SELECT next_try_at > now() FROM summary")
    reader.begin_anew(prometheus.url)
    again = await reader.work()
    assert (again.value, again.trouble) == (1.0, "")
    # It was told once: it is the same number since.
    told = await db.fetch("SELECT campaign_id, body FROM change_inbox WHERE kind = 'summary.told'")
    assert [(row["campaign_id"], row["body"]) for row in told] == [
        (1, {"thing": "campaign:1", "title": "Up", "value": 1.0})
    ]


@pytest.mark.parametrize(
    ("query", "trouble"),
    [
        ("sum(no_such_metric)", ""),
        ("prometheus_build_info or up", "numbers: let it add them up"),
        ("sum(", "refuses (400)"),
        ("up[5m]", "yields a matrix"),
    ],
)
async def test_what_is_no_number_is_unknown_and_says_why(
    db: Pool, worker_db: Pool, prometheus: Prometheus, query: str, trouble: str
) -> None:
    reader = await SummaryReader.make(db, worker_db, prometheus.url, query)
    found = await reader.work()
    assert found.value is None
    assert trouble in found.trouble
    assert bool(trouble) == bool(found.trouble)
    # What was refused is not asked for at once again.
    await reader.look()
    assert await db.fetchval("SELECT next_try_at FROM summary") is None


SEARCH = '{"size": 0, "query": {"prefix": {"GlobalJobId": "condor.x#%(campaign_name)s."}}}'
HOURS = '{"timed_out": false, "_shards": {"failed": 0}, "aggregations": {"hours": {"value": 12.5}}}'
NOUGHT = (
    '{"timed_out": false, "_shards": {"failed": 0}, "aggregations": {"hours": {"value": null}}}'
)
PARTLY = '{"timed_out": false, "_shards": {"failed": 1}, "aggregations": {"hours": {"value": 3}}}'
LENS = '{"query": "{ submission(id: \\"%(campaign_name)s\\") { done } }"}'
DONE = '{"data": {"submission": {"done": 7}}}'
UNFOUND = '{"errors": [{"message": "unable to find info"}], "data": {"submission": {"done": 0}}}'
ELASTICSEARCH = (SummarySource.ELASTICSEARCH, SEARCH, "aggregations.hours.value")
GRAPHQL = (SummarySource.GRAPHQL, LENS, "data.submission.done")


@pytest.mark.parametrize(
    ("asked", "answer", "value", "trouble"),
    [
        (ELASTICSEARCH, HOURS, 12.5, ""),
        (ELASTICSEARCH, NOUGHT, None, ""),
        (ELASTICSEARCH, PARTLY, None, "a part only"),
        (ELASTICSEARCH, '{"aggregations": {}}', None, "no 'hours'"),
        (ELASTICSEARCH, "<html>", None, "no JSON"),
        (GRAPHQL, DONE, 7.0, ""),
        (GRAPHQL, UNFOUND, None, "unable to find info"),
        (GRAPHQL, '{"data": {"submission": null}}', None, ""),
    ],
)
async def test_answers_of_elasticsearch_and_lens_are_read_as_they_mean_it(
    db: Pool,
    worker_db: Pool,
    sam: SamBench,
    asked: tuple[SummarySource, str, str],
    answer: str,
    value: float | None,
    trouble: str,
) -> None:
    source, query, path = asked
    reader = await SummaryReader.make(
        db, worker_db, f"{sam.url}/gracc/_search", query, path, source
    )
    await sam.set_faults(status=200, text=answer, path="gracc")
    found = await reader.work()
    assert found.value == value
    assert trouble in found.trouble
    assert bool(trouble) == bool(found.trouble)


async def test_an_address_of_our_own_network_is_not_asked(
    db: Pool, worker_db: Pool, tmp_path: Path
) -> None:
    reader = await SummaryReader.make(db, worker_db, "https://127.0.0.1:1", UP)
    reader.trust()
    found = await reader.work()
    assert found.value is None
    assert found.trouble
