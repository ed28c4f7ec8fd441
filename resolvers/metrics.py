"""What Prometheus is told of the house as a whole, and who else may hear it."""

import hmac
from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request

from db.batch_systems import BatchSystem
from db.metrics import Expiry, Measures, Open, Unfinished, measure
from db.pool import Pool
from resolvers.asking import within

JOB_STATES = ("idle", "running", "held", "succeeded", "failed", "removed", "unknown")
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def may_scrape(request: Request, token: str) -> bool:
    """Who shows the token; without one set, who is on this machine and speaks for nobody else."""
    if token:
        shown = request.headers.get("authorization", "")
        return hmac.compare_digest(shown.encode(), f"Bearer {token}".encode())
    if request.client is None or any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def scrape(db: Pool, redis: str) -> bytes:
    """All metrics as text: those of the house, and those that this process counts of itself."""
    found = await within(measure(db))
    house = CollectorRegistry()
    house.register(Told(None if isinstance(found, str) else found, redis))
    return generate_latest(house) + generate_latest(REGISTRY)


class Told(Collector):
    """What the house says of itself; without the database, that it isn't there."""

    def __init__(self, measures: Measures | None, redis: str) -> None:
        self.measures, self.redis = measures, redis

    def collect(self) -> Iterator[Metric]:
        """Everything."""
        yield plain("postgres_up", "Whether Postgres answers.", self.measures is not None)
        yield plain("redis_up", "Whether Redis answers.", self.redis == "here")
        if self.measures is None:
            return
        health = self.measures.health
        yield plain("relay_lag_seconds", "Since when a change waits.", health.relay_lag_s)
        yield plain("job_partitions_ahead", "Partitions to come.", health.job_partitions_ahead)
        yield plain(
            "change_partitions_ahead", "Partitions to come.", health.change_partitions_ahead
        )
        yield from systems(self.measures.batch_systems)
        yield from unfinished(self.measures.unfinished)
        yield from expiries(self.measures.expiries)
        yield discrepancies(self.measures.open)


def plain(name: str, said: str, value: float) -> Metric:
    """A gauge without labels."""
    return GaugeMetricFamily(f"poms_{name}", said, value=value)


def systems(rows: Sequence[BatchSystem]) -> Iterator[Metric]:
    """How each batch system is; what isn't known is left out."""
    for name, said in (
        ("reachable", "Whether the batch system answers."),
        ("watched", "Whether a worker reads what it tells of jobs."),
        ("slots", "How many jobs it can run at once."),
        ("running", "How many jobs it runs, ours and others'."),
        ("queued", "How many jobs wait there."),
        ("reader_lag_seconds", "Since when not all that it told of jobs is read."),
        ("heard_timestamp_seconds", "When it answered last."),
        ("event_timestamp_seconds", "The time of the last thing that it told of a job."),
    ):
        family = GaugeMetricFamily(f"poms_batch_system_{name}", said, labels=("batch_system",))
        for row in rows:
            value = figures(row)[name]
            if value is not None:
                family.add_metric((row.name,), value)
        yield family


def figures(row: BatchSystem) -> dict[str, float | None]:
    """A batch system in numbers."""
    return {
        "reachable": row.reachable,
        "watched": row.watched_by is not None,
        "slots": row.health.get("slots"),
        "running": row.health.get("running"),
        "queued": row.health.get("queued"),
        "reader_lag_seconds": row.reader_lag_s,
        "heard_timestamp_seconds": row.heard_at.timestamp() if row.heard_at else None,
        "event_timestamp_seconds": row.event_at.timestamp() if row.event_at else None,
    }


def unfinished(rows: Sequence[Unfinished]) -> Iterator[Metric]:
    """Submissions that have still something to do, and their jobs."""
    labels = ("batch_system", "state")
    submissions = GaugeMetricFamily(
        "poms_submissions", "Submissions that are not done with.", labels=labels
    )
    jobs = GaugeMetricFamily("poms_jobs", "The jobs of these submissions.", labels=labels)
    sums: dict[tuple[str, str], int] = {}
    for row in rows:
        submissions.add_metric((row.batch_system, row.state), row.submissions)
        for state in JOB_STATES:
            key = row.batch_system, state
            sums[key] = sums.get(key, 0) + getattr(row, state)
    for key, count in sums.items():
        jobs.add_metric(key, count)
    yield from (submissions, jobs)


def expiries(rows: Sequence[Expiry]) -> Iterator[Metric]:
    """How long credentials still hold, and whether somebody should see to them."""
    labels = ("experiment", "credential")
    ends = GaugeMetricFamily(
        "poms_credential_expires_in_seconds", "For how long the credential holds.", labels=labels
    )
    needs = GaugeMetricFamily(
        "poms_credential_in_need",
        "Whether it can't be used, or ends within a day and nothing renews it.",
        labels=labels,
    )
    for row in rows:
        needs.add_metric((row.experiment, row.credential), row.in_need)
        if row.expires_in_s is not None:
            ends.add_metric((row.experiment, row.credential), row.expires_in_s)
    yield from (ends, needs)


def discrepancies(rows: Sequence[Open]) -> Metric:
    """How many each batch system has that nobody has resolved."""
    family = GaugeMetricFamily(
        "poms_discrepancies_open",
        "What the batch system and the database say differently.",
        labels=("batch_system",),
    )
    for row in rows:
        family.add_metric((row.batch_system,), row.discrepancies)
    return family
