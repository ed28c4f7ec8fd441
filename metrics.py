"""What each process counts of its own work, for Prometheus.

What the database knows is not counted here: `resolvers/metrics.py` reads it when somebody asks.
"""

from time import perf_counter

from prometheus_client import Counter, Gauge, Histogram, start_http_server
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
REQUESTS = Counter("poms_http_requests_total", "Requests.", ("route", "method", "status"))
ANSWER_SECONDS = Histogram(
    "poms_http_answer_seconds", "How long until an answer begins.", ("route",), buckets=ANSWER_S
)
SOCKETS = Gauge("poms_sockets", "Open websockets.")


def launched(batch_system: str, outcome: str, began: float) -> None:
    """Count a launch that ended somehow; it began then, by `perf_counter`."""
    LAUNCHES.labels(batch_system, outcome).inc()
    LAUNCH_SECONDS.labels(batch_system).observe(perf_counter() - began)


def serve(listen: str) -> None:
    """Answer Prometheus at HOST:PORT, from a thread of its own."""
    host, _, port = listen.rpartition(":")
    start_http_server(int(port), host)


class Measured:
    """Counts the requests to each of some routes, and how long their answers take to begin."""

    def __init__(self, app: ASGIApp, routes: frozenset[str]) -> None:
        self.app, self.routes = app, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count it."""
        if scope["type"] == "websocket":
            with SOCKETS.track_inprogress():
                await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self.app(scope, receive, self._measured(scope, send))
        else:
            await self.app(scope, receive, send)

    def _measured(self, scope: Scope, send: Send) -> Send:
        began = perf_counter()
        route = scope["path"] if scope["path"] in self.routes else "other"
        method = scope["method"] if scope["method"] in METHODS else "other"

        async def measured(message: Message) -> None:
            if message["type"] == "http.response.start":
                REQUESTS.labels(route, method, str(message["status"])).inc()
                ANSWER_SECONDS.labels(route).observe(perf_counter() - began)
            await send(message)

        return measured
