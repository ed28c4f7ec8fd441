"""How the client speaks with POMS: a request, again where asking twice is safe, and streams of events."""

import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from uuid import uuid4

import httpx2
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
LATER = "TRY_AGAIN_LATER"
KEY = "idempotencyKey"
PIECE = 1 << 18


class OperationRefused(Exception):
    """POMS understood, and said no: the text says why.

    `problem` is the type of the API's problem, where it was one; `message` and `findings` are what that says.
    """

    def __init__(
        self, text: str, problem: str | None = None, message: str = "", findings: Sequence[Any] = ()
    ) -> None:
        super().__init__(text)
        self.problem = problem
        self.message = message or text
        self.findings = findings


class TokenRejected(OperationRefused):
    """POMS does not know who asks: the token is missing, wrong or too old."""


class ServiceUnreachable(Exception):
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
        given = add_idempotency_key(query, variables)
        safe = query.lstrip().startswith("query") or given is not variables
        body = {
            "query": query,
            "operationName": operation_name,
            "variables": drop_unset_variables(given),
        }
        asking = AsyncRetrying(
            retry=retry_if_exception_type(ServiceUnreachable),
            stop=stop_after_delay(self.patience_s if safe else 0),
            wait=wait_random_exponential(0.1, max=10),
            reraise=True,
        )
        return await asking(self._post, body)

    async def put_upload(
        self, experiment: str, file: Path, name: str | None = None
    ) -> dict[str, Any]:
        """Bring a file for launch scripts, which find it as `$UPLOADS/NAME`; it takes the place of what is called so.

        Returns its id, name, size, checksum and time. What could not be sent is sent again.
        """
        place = f"/uploads/{quote(experiment, safe='')}/{quote(name or file.name, safe='')}"
        asking = AsyncRetrying(
            retry=retry_if_exception_type(ServiceUnreachable),
            stop=stop_after_delay(self.patience_s),
            wait=wait_random_exponential(0.1, max=10),
            reraise=True,
        )
        found: dict[str, Any] = await asking(self._put, place, file)
        return found

    async def _put(self, place: str, file: Path) -> dict[str, Any]:
        with file.open("rb") as content:

            async def read_pieces() -> AsyncIterator[bytes]:
                while piece := content.read(PIECE):
                    yield piece

            length = {"content-length": str(os.fstat(content.fileno()).st_size)}
            try:
                answer = await self._http.put(place, content=read_pieces(), headers=length)
            except httpx2.HTTPError as error:
                raise ServiceUnreachable(f"{type(error).__name__} {error}") from error
        if answer.status_code in AWAY:
            raise ServiceUnreachable(f"POMS answered with {answer.status_code}.")
        try:
            said = answer.json()
        except ValueError:
            said = {}
        if answer.status_code == httpx2.codes.OK and isinstance(said, dict):
            return said
        why = "; ".join(str(e.get("message")) for e in said.get("errors", ()))
        refusal = (
            TokenRejected if answer.status_code == httpx2.codes.UNAUTHORIZED else OperationRefused
        )
        raise refusal(why or f"POMS answered with {answer.status_code}.")

    def get_data(self, answer: Any) -> dict[str, Any]:
        """What an answer says; anything that a server may send instead is a refusal."""
        if isinstance(answer, dict) and answer.get("data") and not answer.get("errors"):
            data: dict[str, Any] = answer["data"]
            return data
        errors = answer.get("errors") if isinstance(answer, dict) else None
        said = [str(e.get("message", "?")) for e in errors or () if isinstance(e, dict)]
        raise OperationRefused("; ".join(said) or "POMS gave no answer.")

    async def execute_ws(
        self, query: str, operation_name: str | None, variables: Mapping[str, Any]
    ) -> AsyncIterator[dict[str, Any]]:
        """The results of a subscription, as they come; `ServiceUnreachable` when it breaks off."""
        body = {
            "query": query,
            "operationName": operation_name,
            "variables": drop_unset_variables(variables),
        }
        async with self._answering(body, EVENTS) as response:
            event = ""
            async for line in response.aiter_lines():
                name, _, value = line.partition(":")
                if name == "event":
                    event = value.strip()
                elif name == "data" and event == "complete":
                    return
                elif name == "data":
                    yield self.get_data(check_answer(json.loads(value)))
        raise ServiceUnreachable("POMS broke off.")

    async def _post(self, body: dict[str, Any]) -> Any:
        async with self._answering(body, {}) as response:
            text = await response.aread()
        try:
            return check_answer(json.loads(text))
        except ValueError as error:
            raise ServiceUnreachable(
                f"What answered ({response.status_code}) is not POMS."
            ) from error

    @asynccontextmanager
    async def _answering(
        self, body: dict[str, Any], headers: Mapping[str, str]
    ) -> AsyncIterator[httpx2.Response]:
        try:
            async with self._http.stream("POST", "/graphql", json=body, headers=headers) as answer:
                if answer.status_code == httpx2.codes.UNAUTHORIZED:
                    raise TokenRejected((await answer.aread()).decode(errors="replace")[:500])
                if answer.status_code in AWAY:
                    raise ServiceUnreachable(f"POMS answered with {answer.status_code}.")
                yield answer
        except httpx2.HTTPError as error:
            raise ServiceUnreachable(
                f"{self._http.base_url}: {type(error).__name__} {error}"
            ) from error


def check_answer(answer: Any) -> Any:
    """The answer, unless POMS had a fault inside, or can't do it for a while: that is as when it is away."""
    if not isinstance(answer, dict):
        return answer
    for error in answer.get("errors") or ():
        extensions = error.get("extensions") or {}
        if extensions.get("code") == "INTERNAL":
            request = extensions.get("requestId", "unknown")
            raise ServiceUnreachable(f"POMS failed at this: see request {request} in its log.")
        if extensions.get("code") == LATER:
            raise ServiceUnreachable(str(error.get("message", LATER)))
    for field in (answer.get("data") or {}).values():
        if isinstance(field, dict) and field.get("__typename") == "TryAgainLater":
            raise ServiceUnreachable(str(field.get("message", LATER)))
    return answer


def drop_unset_variables(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Variables as JSON has them, without those that were not given."""
    given = {name: v for name, v in variables.items() if not isinstance(v, UnsetType)}
    found: dict[str, Any] = to_jsonable_python(given, by_alias=True, exclude_none=True)
    return found


def add_idempotency_key(query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The variables with an idempotency key, where the mutation takes one; else the same object."""
    if f"${KEY}" in query:
        return {**variables, KEY: variables.get(KEY) or str(uuid4())}
    return variables
