"""What each process counts of its own work, for Prometheus.

What the database knows is not counted here: `resolvers/batch/metrics.py` reads it when somebody asks.
"""

from collections.abc import Iterator
from time import perf_counter

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lanes import LaneState, list_lanes

METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS"})
LAUNCH_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30)
ANSWER_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

LAUNCHES = Counter(
    "poms_launches_total", "Launches that ended in this process.", ("batch_system", "outcome")
)
LAUNCH_SECONDS = Histogram(
    "poms_launch_seconds", "How long they took.", ("batch_system",), buckets=LAUNCH_S
)
LOOP_FAULTS = Counter("poms_loop_faults_total", "Steps of loops that failed.", ("loop",))
LOOP_GOOD_STEP = Gauge(
    "poms_loop_good_step_timestamp_seconds", "When a step of the loop ended well here.", ("loop",)
)
SETBACKS = Counter("poms_setbacks_total", "Things that loops failed at and set aside.", ("loop",))
REQUESTS = Counter("poms_http_requests_total", "Requests.", ("route", "method", "status"))
ANSWER_SECONDS = Histogram(
    "poms_http_answer_seconds", "How long until an answer begins.", ("route",), buckets=ANSWER_S
)
SOCKETS = Gauge("poms_sockets", "Open websockets.")

LANE_GAUGES = {
    "in_use": "Threads of the lane at work, those that hang apart.",
    "waiting": "Calls that wait for a thread of the lane.",
    "hung": "Threads of the lane whose calls were given up and have not come back.",
    "open": "Whether so many calls hang that others are refused at once.",
}
LANE_COUNTERS = {
    "timed_out": "Calls that got no answer in time.",
    "refused": "Calls that were not begun: too many hang, or wait already.",
}


class LaneCollector(Collector):
    """What the lanes of this process have in hand when somebody asks."""

    def collect(self) -> Iterator[Metric]:
        """A metric for each figure, a line for each lane."""
        lanes = list_lanes()
        for name, said in LANE_GAUGES.items():
            gauge = GaugeMetricFamily(f"poms_lane_{name}", said, labels=("lane",))
            yield _fill_family(gauge, {lane.name: _read_gauges(lane)[name] for lane in lanes})
        for name, said in LANE_COUNTERS.items():
            counter = CounterMetricFamily(f"poms_lane_{name}_total", said, labels=("lane",))
            yield _fill_family(counter, {lane.name: getattr(lane, name) for lane in lanes})


def _read_gauges(lane: LaneState) -> dict[str, int]:
    is_open = int(lane.is_open)
    return {"in_use": lane.in_use, "waiting": lane.waiting, "hung": lane.hung, "open": is_open}


def _fill_family(
    family: GaugeMetricFamily | CounterMetricFamily, figures: dict[str, int]
) -> GaugeMetricFamily | CounterMetricFamily:
    for lane, value in figures.items():
        family.add_metric((lane,), value)
    return family


REGISTRY.register(LaneCollector())


def count_launch(batch_system: str, outcome: str, began: float) -> None:
    """Count a launch that ended somehow; it began then, by `perf_counter`."""
    LAUNCHES.labels(batch_system, outcome).inc()
    LAUNCH_SECONDS.labels(batch_system).observe(perf_counter() - began)


def serve_metrics(listen: str) -> None:
    """Answer Prometheus at HOST:PORT, from a thread of its own."""
    host, _, port = listen.rpartition(":")
    start_http_server(int(port), host)


class RequestMetrics:
    """Counts the requests to each of some routes, and how long their answers take to begin."""

    def __init__(self, app: ASGIApp, routes: frozenset[str]) -> None:
        self.app, self.routes = app, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count it."""
        if scope["type"] == "websocket":
            with SOCKETS.track_inprogress():
                await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self.app(scope, receive, self._wrap_send(scope, send))
        else:
            await self.app(scope, receive, send)

    def _wrap_send(self, scope: Scope, send: Send) -> Send:
        began = perf_counter()
        route = scope["path"] if scope["path"] in self.routes else "other"
        method = scope["method"] if scope["method"] in METHODS else "other"

        async def measured(message: Message) -> None:
            if message["type"] == "http.response.start":
                REQUESTS.labels(route, method, str(message["status"])).inc()
                ANSWER_SECONDS.labels(route).observe(perf_counter() - began)
            await send(message)

        return measured
