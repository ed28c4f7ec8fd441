"""What Prometheus is told of the house as a whole, and who else may hear it."""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request

from db.batch.batch_systems import BatchSystem
from db.batch.metrics import (
    CredentialExpiry,
    HouseMeasures,
    OpenDiscrepancies,
    UnfinishedSubmissions,
    measure_database,
)
from db.disks import WorkerDisk
from db.pool import AnyPool
from resolvers.timeouts import ask_within_deadline

JOB_STATES = ("idle", "running", "held", "succeeded", "failed", "removed", "unknown")


def may_scrape(request: Request, token: str) -> bool:
    """Who shows the token; without one set, nobody."""
    shown = request.headers.get("authorization", "")
    return bool(token) and hmac.compare_digest(shown.encode(), f"Bearer {token}".encode())


async def render_metrics(db: AnyPool, redis: str) -> bytes:
    """All metrics as text: those of the house, and those that this process counts of itself."""
    found = await ask_within_deadline(measure_database(db))
    app_state = CollectorRegistry()
    app_state.register(HouseCollector(None if isinstance(found, str) else found, redis))
    return generate_latest(app_state) + generate_latest(REGISTRY)


class HouseCollector(Collector):
    """What the house says of itself; without the database, that it isn't there."""

    def __init__(self, measures: HouseMeasures | None, redis: str) -> None:
        self.measures, self.redis = measures, redis

    def collect(self) -> Iterator[Metric]:
        """Everything."""
        yield make_plain_gauge(
            "postgres_up", "Whether Postgres answers.", self.measures is not None
        )
        yield make_plain_gauge("redis_up", "Whether Redis answers.", self.redis == "here")
        if self.measures is None:
            return
        health = self.measures.health
        doubt = "Whether nothing is launched, since this may be a copy of an installation."
        yield make_plain_gauge("installation_doubt", doubt, health.doubt is not None)
        clocks = "Processes whose clocks are seconds from the database's."
        yield make_plain_gauge("wrong_clocks", clocks, len(health.wrong_clocks))
        yield make_plain_gauge(
            "relay_lag_seconds", "Since when a change waits.", health.relay_lag_s
        )
        yield make_plain_gauge(
            "job_partitions_ahead", "Partitions to come.", health.job_partitions_ahead
        )
        yield make_plain_gauge(
            "change_partitions_ahead", "Partitions to come.", health.change_partitions_ahead
        )
        yield make_loop_gauge(
            "loop_quiet_seconds", "Since when no step of the loop has ended well.", health.loops
        )
        yield make_loop_gauge(
            "set_aside", "Things that the loop failed at, and tries again.", health.set_aside
        )
        yield measure_hanging(health.hanging_lanes)
        yield from report_batch_systems(self.measures.batch_systems)
        yield from report_unfinished(self.measures.unfinished)
        yield from report_expiries(self.measures.expiries)
        yield report_discrepancies(self.measures.open)
        yield from report_disks(self.measures.disks)


def make_plain_gauge(name: str, said: str, value: float) -> Metric:
    """A gauge without labels."""
    return GaugeMetricFamily(f"poms_{name}", said, value=value)


def make_loop_gauge(name: str, said: str, values: Mapping[str, float]) -> Metric:
    """A gauge with a value for each loop of the workers."""
    family = GaugeMetricFamily(f"poms_{name}", said, labels=("loop",))
    for loop, value in values.items():
        family.add_metric((loop,), value)
    return family


def measure_hanging(lanes: Mapping[str, Mapping[str, Any]]) -> Metric:
    """The lanes of workers in which calls hang; of the others each worker tells itself."""
    family = GaugeMetricFamily(
        "poms_hanging_lane_calls", "Calls that hang in a lane of any worker.", labels=("lane",)
    )
    for name, lane in lanes.items():
        family.add_metric((name,), lane["hung"])
    return family


def report_batch_systems(rows: Sequence[BatchSystem]) -> Iterator[Metric]:
    """How each batch system is; what isn't known is left out."""
    for name, said in (
        ("reachable", "Whether the batch system answers."),
        ("watched", "Whether a worker reads what it tells of jobs."),
        ("slots", "How many jobs it can run at once."),
        ("running", "How many jobs it runs, ours and others'."),
        ("queued", "How many jobs wait there."),
        ("reader_lag_seconds", "Since when not all that it told of jobs is read."),
        ("last_answer_timestamp_seconds", "When it answered last."),
        ("event_timestamp_seconds", "The time of the last thing that it told of a job."),
    ):
        family = GaugeMetricFamily(f"poms_batch_system_{name}", said, labels=("batch_system",))
        for row in rows:
            value = measure_batch_system(row)[name]
            if value is not None:
                family.add_metric((row.name,), value)
        yield family


def measure_batch_system(row: BatchSystem) -> dict[str, float | None]:
    """A batch system in numbers."""
    return {
        "reachable": row.reachable,
        "watched": row.watched_by is not None,
        "slots": row.health.get("slots"),
        "running": row.health.get("running"),
        "queued": row.health.get("queued"),
        "reader_lag_seconds": row.reader_lag_s,
        "last_answer_timestamp_seconds": row.last_answer_at.timestamp()
        if row.last_answer_at
        else None,
        "event_timestamp_seconds": row.event_at.timestamp() if row.event_at else None,
    }


def report_unfinished(rows: Sequence[UnfinishedSubmissions]) -> Iterator[Metric]:
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


def report_expiries(rows: Sequence[CredentialExpiry]) -> Iterator[Metric]:
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


def report_discrepancies(rows: Sequence[OpenDiscrepancies]) -> Metric:
    """How many each batch system has that nobody has resolved."""
    family = GaugeMetricFamily(
        "poms_discrepancies_open",
        "What the batch system and the database say differently.",
        labels=("batch_system",),
    )
    for row in rows:
        family.add_metric((row.batch_system,), row.discrepancies)
    return family


def report_disks(rows: Sequence[WorkerDisk]) -> Iterator[Metric]:
    """How much room the workers' disks have, and whether they can be written."""
    labels = ("place", "host")
    free = GaugeMetricFamily("poms_disk_free_bytes", "Room on a worker's disk.", labels=labels)
    writable = GaugeMetricFamily(
        "poms_disk_writable", "Whether the worker could write there.", labels=labels
    )
    for row in rows:
        free.add_metric((row.place, row.host), row.free_bytes)
        writable.add_metric((row.place, row.host), not row.problem)
    yield from (free, writable)
