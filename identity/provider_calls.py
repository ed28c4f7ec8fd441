"""How an issuer is asked by HTTP: bounded, in a lane of its own, and nothing is read of a machine that is not to be
asked."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2

from domain.addresses import check_outside_url, check_resolved, is_trusted
from lanes import CallLane, LaneUnavailable

CALL_S = 10.0
MOST_BYTES = 1_000_000
TIMEOUT = httpx2.Timeout(connect=5, read=5, write=5, pool=5)


class ProviderUnavailable(Exception):
    """The issuer gave no answer that is one; it may later."""


class ProviderRefused(Exception):
    """The issuer has answered that it does not do what it was asked."""


class ProviderCalls:
    """The calls to one issuer."""

    def __init__(self, name: str, trusted: frozenset[str]) -> None:
        self._trusted = trusted
        self._lane = CallLane(f"identity:{name}", CALL_S, probe_s=10.0)
        self._http = httpx2.AsyncClient(
            timeout=TIMEOUT, trust_env=False, event_hooks={"response": [self._refuse_peer]}
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        """The JSON object that a URL answers; `more` is httpx's. Raises ProviderUnavailable, ProviderRefused."""
        if wrong := check_outside_url(url, self._trusted):
            raise ProviderUnavailable(f"{url[:200]} is not asked: {wrong}")
        try:
            async with (
                self._lane.enter((ProviderUnavailable, httpx2.HTTPError)),
                self._http.stream(method, url, **more) as answer,
            ):
                return _read_answer(answer.status_code, await _read_bounded(answer))
        except httpx2.HTTPError as error:
            raise ProviderUnavailable(f"{type(error).__name__}: {error}".rstrip(": ")) from error
        except LaneUnavailable as error:
            raise ProviderUnavailable(str(error)) from error

    async def _refuse_peer(self, answer: httpx2.Response) -> None:
        if is_trusted(str(answer.url), self._trusted):
            return
        address = answer.extensions["network_stream"].get_extra_info("server_addr")
        if wrong := check_resolved([address[0]]):
            raise ProviderUnavailable(wrong)


async def _read_bounded(answer: httpx2.Response) -> bytes:
    found = bytearray()
    async for piece in answer.aiter_bytes():
        found += piece
        if len(found) > MOST_BYTES:
            raise ProviderUnavailable(f"The answer has more than {MOST_BYTES} bytes.")
    return bytes(found)


def _read_answer(status: int, body: bytes) -> dict[str, Any]:
    try:
        read: object = json.loads(body)
    except ValueError:
        read = None
    said: Mapping[str, Any] = read if isinstance(read, dict) else {}
    if status == httpx2.codes.OK and said:
        return dict(said)
    why = str(said.get("error_description") or said.get("error") or "no JSON object")[:200]
    if httpx2.codes.BAD_REQUEST <= status < httpx2.codes.INTERNAL_SERVER_ERROR:
        raise ProviderRefused(f"{status}: {why}")
    raise ProviderUnavailable(f"{status}: {why}")
