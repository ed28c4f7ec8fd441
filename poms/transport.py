"""How the client speaks with POMS: a request, again where asking twice is safe, and streams of events."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx2
from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from poms.generated.base_model import UnsetType

EVENTS = {"accept": "text/event-stream"}
QUIET_S = 60.0
"""A stream without a sign of life for so long is taken for broken: the server gives one every 12 s."""
AWAY = frozenset({429, 500, 502, 503, 504})
KEY, FIELD = "idempotencyKey", "idempotency_key"


class Refused(Exception):
    """POMS understood, and said no: the text says why."""


class NotSignedIn(Refused):
    """POMS does not know who asks: the token is missing, wrong or too old."""


class Unreachable(Exception):
    """POMS did not answer, broke off or failed inside: whether it did anything is not known."""


class Transport:
    """POMS at an address, as the person of a token.

    What may be asked twice (a query; a mutation with an idempotency key, which gets one by itself) is asked
    again for up to `patience_s` seconds while POMS can't be reached.
    """

    def __init__(self, url: str, token: str, *, patience_s: float = 60.0) -> None:
        self.patience_s = patience_s
        self._http = httpx2.AsyncClient(
            base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=QUIET_S
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def execute(
        self, query: str, operation_name: str | None, variables: Mapping[str, Any]
    ) -> Any:
        """Run one operation, and return its whole answer."""
        given = keyed(query, variables)
        safe = query.lstrip().startswith("query") or given is not variables
        body = {"query": query, "operationName": operation_name, "variables": plain(given)}
        asking = AsyncRetrying(
            retry=retry_if_exception_type(Unreachable),
            stop=stop_after_delay(self.patience_s if safe else 0),
            wait=wait_random_exponential(0.1, max=10),
            reraise=True,
        )
        return await asking(self._post, body)

    def get_data(self, answer: Any) -> dict[str, Any]:
        """What an answer says; anything that a server may send instead is a refusal."""
        if isinstance(answer, dict) and answer.get("data") and not answer.get("errors"):
            data: dict[str, Any] = answer["data"]
            return data
        errors = answer.get("errors") if isinstance(answer, dict) else None
        said = [str(e.get("message", "?")) for e in errors or () if isinstance(e, dict)]
        raise Refused("; ".join(said) or "POMS gave no answer.")

    async def execute_ws(
        self, query: str, operation_name: str | None, variables: Mapping[str, Any]
    ) -> AsyncIterator[dict[str, Any]]:
        """The results of a subscription, as they come; `Unreachable` when it breaks off."""
        body = {"query": query, "operationName": operation_name, "variables": plain(variables)}
        async with self._answering(body, EVENTS) as response:
            event = ""
            async for line in response.aiter_lines():
                name, _, value = line.partition(":")
                if name == "event":
                    event = value.strip()
                elif name == "data" and event == "complete":
                    return
                elif name == "data":
                    yield self.get_data(sound(json.loads(value)))
        raise Unreachable("POMS broke off.")

    async def _post(self, body: dict[str, Any]) -> Any:
        async with self._answering(body, {}) as response:
            text = await response.aread()
        try:
            return sound(json.loads(text))
        except ValueError as error:
            raise Unreachable(f"What answered ({response.status_code}) is not POMS.") from error

    @asynccontextmanager
    async def _answering(
        self, body: dict[str, Any], headers: Mapping[str, str]
    ) -> AsyncIterator[httpx2.Response]:
        try:
            async with self._http.stream("POST", "/graphql", json=body, headers=headers) as answer:
                if answer.status_code == httpx2.codes.UNAUTHORIZED:
                    raise NotSignedIn((await answer.aread()).decode(errors="replace")[:500])
                if answer.status_code in AWAY:
                    raise Unreachable(f"POMS answered with {answer.status_code}.")
                yield answer
        except httpx2.HTTPError as error:
            raise Unreachable(f"{self._http.base_url}: {type(error).__name__} {error}") from error


def sound(answer: Any) -> Any:
    """The answer, unless POMS had a fault inside: then it is not known what was done, as when it is away."""
    for error in answer.get("errors") or () if isinstance(answer, dict) else ():
        extensions = error.get("extensions") or {}
        if extensions.get("code") == "INTERNAL":
            request = extensions.get("requestId", "unknown")
            raise Unreachable(f"POMS failed at this: see request {request} in its log.")
    return answer


def plain(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Variables as JSON has them, without those that were not given."""
    given = {name: v for name, v in variables.items() if not isinstance(v, UnsetType)}
    found: dict[str, Any] = to_jsonable_python(given, by_alias=True, exclude_none=True)
    return found


def keyed(query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The variables with an idempotency key, where the mutation takes one; else the same object."""
    if f"${KEY}" in query:
        return {**variables, KEY: variables.get(KEY) or str(uuid4())}
    asked = variables.get("input")
    if isinstance(asked, BaseModel) and FIELD in type(asked).model_fields:
        key = getattr(asked, FIELD) or str(uuid4())
        return {**variables, "input": asked.model_copy(update={FIELD: key})}
    return variables
