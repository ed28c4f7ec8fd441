"""Monitors and accounting: the numbers that they know of our work, asked one at a time, each host in a lane."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx2
import orjson

from catalogs import CatalogRefused, CatalogUnavailable
from catalogs.http_calls import CALL_S, CatalogHttp, choose_peer_check
from domain.addresses import check_outside_url
from domain.summaries import (
    SummaryPartial,
    SummarySource,
    SummaryUnreadable,
    read_answer,
)
from lanes import CallLane

AT_ONCE = 2
PASSING = frozenset({408, 425, 429})


def judge_answer(status: int, _headers: Mapping[str, str], text: str) -> Exception:
    """A fault of the source passes; all else is what was asked."""
    if status >= httpx2.codes.INTERNAL_SERVER_ERROR or status in PASSING:
        return CatalogUnavailable(f"It answers {status}: {text[:200]}")
    return CatalogRefused(f"It refuses ({status}): {text[:200]}")


class MonitorClients:
    """Asks monitors for one process: each experiment has one lane to each host."""

    def __init__(self, trusted: frozenset[str] = frozenset()) -> None:
        """`trusted`: hosts for which the deployment vouches, whatever their addresses."""
        self._trusted, self._lanes = trusted, dict[tuple[int, str], CallLane]()

    async def ask(
        self, experiment_id: int, source: SummarySource, url: str, query: str, path: str
    ) -> float | None:
        """The number now; None: the source knows none. Raises CatalogUnavailable, CatalogRefused."""
        if wrong := check_outside_url(url, self._trusted):
            raise CatalogRefused(wrong)
        parts = urlsplit(url)
        lane = self._lanes.setdefault(
            (experiment_id, parts.netloc),
            CallLane(f"monitor:{experiment_id}:{parts.netloc}", CALL_S, at_once=AT_ONCE),
        )
        check_peer = choose_peer_check(url, self._trusted)
        base = f"{parts.scheme}://{parts.netloc}"
        async with CatalogHttp(base, lane, judge_answer, check_peer=check_peer) as http:
            text = await _send_question(http, source, parts.path, query)
        try:
            return read_answer(source, path, orjson.loads(text))
        except orjson.JSONDecodeError as error:
            raise CatalogUnavailable(f"Its answer is no JSON: {text[:100]!r}") from error
        except SummaryPartial as error:
            raise CatalogUnavailable(str(error)) from error
        except SummaryUnreadable as error:
            raise CatalogRefused(str(error)) from error


async def _send_question(http: CatalogHttp, source: SummarySource, path: str, query: str) -> str:
    if source is SummarySource.PROMETHEUS:
        where = f"{path.rstrip('/')}/api/v1/query"
        return (await http.ask("GET", where, params={"query": query, "timeout": "30s"}))[1]
    return (await http.ask("POST", path or "/", json=orjson.loads(query)))[1]
