"""GraphQL over HTTP by the letter; the way in for sockets and event streams too."""

import asyncio
import logging
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Generic
from uuid import uuid4

from graphql import GraphQLError, OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.types import ExecutionResult

from door import media
from door.answers import body, encode, is_request_error
from door.asks import Ask, Malformed, ask, ask_by_url, decode
from door.channels import Channel
from door.context import NotSignedIn
from door.masking import MESSAGE
from door.origins import may_connect
from door.schema import DoorSchema
from door.shared import Hub
from door.signing import C, SignIn, bearer
from door.sockets import PROTOCOL, Socket
from door.sse import Events

MOST_BODY = 1_000_000
BODY_SECONDS = 30.0
log = logging.getLogger("door")


class Refused(Exception):
    """The request isn't executed."""

    def __init__(self, status: int, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Door(Generic[C]):
    """An ASGI application that answers GraphQL. Route both HTTP and websockets to it.

    `playground` is a page that browsers get; `origins` are other web origins whose pages may open
    sockets, such as `https://dashboard.example.org`.
    """

    def __init__(
        self,
        schema: DoorSchema,
        sign_in: SignIn[C],
        *,
        playground: Path | None = None,
        origins: Collection[str] = (),
    ) -> None:
        self.schema, self.sign_in, self.playground = schema, sign_in, playground
        self.origins = frozenset(origin.lower() for origin in origins)
        self.hub = Hub(schema)
        self.open: dict[Channel, C] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "websocket":
            return await self.converse(WebSocket(scope, receive, send))
        request = Request(scope, receive)
        try:
            response = await self.respond(request, receive, send)
        except Refused as no:
            response = refusal(request, no)
        except ClientDisconnect:
            return None
        except Exception:
            name = uuid4().hex[:12]
            log.exception("request %s failed before it was executed", name)
            response = refusal(request, Refused(500, MESSAGE, x_request_id=name))
        if response is not None:
            await response(scope, receive, send)
        return None

    async def respond(self, request: Request, receive: Receive, send: Send) -> Response | None:
        """The answer, or nothing when it was sent already."""
        accept = request.headers.get("accept", "")
        if request.method not in ("GET", "POST"):
            raise Refused(405, "Send GET or POST.", allow="GET, POST")
        if request.method == "GET" and self.playground and media.wants_page(accept):
            return FileResponse(self.playground, headers={"cache-control": "no-cache"})
        kinds = media.accepted(accept)
        if not kinds:
            raise Refused(406, f"This answers {media.RESPONSE}, {media.JSON} or {media.EVENTS}.")
        context = await self.identify(request)
        wanted = await read(request)
        streams = self.route(request, wanted, kinds)
        if streams:
            await self.stream(wanted, context, receive, send)
            return None
        return await self.execute(wanted, context, kinds[0])

    async def identify(self, request: Request) -> C:
        """Who asks."""
        token = bearer(request.headers.get("authorization"))
        try:
            return await self.sign_in(request, token)
        except NotSignedIn as why:
            how = 'Bearer error="invalid_token"' if token else "Bearer"
            raise Refused(401, why.reason, www_authenticate=how) from why

    def route(self, request: Request, wanted: Ask, kinds: list[str]) -> bool:
        """Whether to answer as a stream of events; refuses what doesn't fit the method."""
        try:
            self.schema.documents.parsed(wanted.query)
        except GraphQLError:
            return kinds[0] == media.EVENTS  # executing it says what is wrong
        try:
            kind = self.schema.operation(wanted).operation
        except GraphQLError as error:
            raise Refused(400, error.message) from error
        if kind is OperationType.MUTATION and request.method == "GET":
            raise Refused(405, "Mutations are sent by POST.", allow="POST")
        if kind is not OperationType.SUBSCRIPTION:
            return kinds[0] == media.EVENTS
        if media.EVENTS not in kinds:
            raise Refused(406, f"Subscriptions answer as {media.EVENTS}, or over {PROTOCOL}.")
        return True

    async def execute(self, wanted: Ask, context: C, kind: str) -> Response:
        """One operation, one answer."""
        result: ExecutionResult = await self.schema.execute(
            wanted.query,
            wanted.variables,
            context,
            None,
            wanted.operation_name,
            None,
            wanted.extensions,
        )
        status = 400 if kind == media.RESPONSE and is_request_error(result) else 200
        return answer(body(result), status, kind, {"x-request-id": context.request_id})

    async def stream(self, wanted: Ask, context: C, receive: Receive, send: Send) -> None:
        """One operation, its results as events."""
        events = Events(receive, send)
        events.context = context
        self.opened(events, context)
        events.expire(context.expires_at)
        self.hub.begin(events.open("1", wanted))
        try:
            await events.respond()
        finally:
            self.open.pop(events, None)

    async def converse(self, ws: WebSocket) -> None:
        """One websocket."""
        if not may_connect(ws.headers.get("origin"), ws.headers.get("host"), self.origins):
            return await ws.close(4403, "This origin may not connect")
        if PROTOCOL not in ws.scope["subprotocols"]:
            await ws.accept()
            return await ws.close(4406, "Subprotocol not acceptable")
        socket = Socket(ws, self.hub, self.sign_in, self.opened)
        try:
            await socket.converse()
        finally:
            self.open.pop(socket, None)
        return None

    def opened(self, channel: Channel, context: C) -> None:
        """Remember a connection that stays."""
        self.open[channel] = context

    def close_where(
        self, predicate: Callable[[C], bool], code: int = 4403, reason: str = "Forbidden"
    ) -> int:
        """Close the open connections of some viewers, such as one who lost a membership."""
        found = [channel for channel, context in self.open.items() if predicate(context)]
        for channel in found:
            channel.close(code, reason)
        return len(found)


async def read(request: Request) -> Ask:
    """What is asked, from the URL or the body."""
    try:
        if request.method == "GET":
            return ask_by_url(request.query_params)
        given = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if given != media.JSON:
            raise Refused(415, f"Send {media.JSON}.", accept=media.JSON)
        async with asyncio.timeout(BODY_SECONDS):
            return ask(decode(await counted(request)))
    except Malformed as why:
        raise Refused(400, why.reason) from why
    except TimeoutError as late:
        raise Refused(408, "The body didn't arrive in time.") from late


async def counted(request: Request) -> bytes:
    """The body, as long as it isn't too long, whether or not its length was announced."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > MOST_BODY:
        raise Refused(413, f"At most {MOST_BODY} bytes.")
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > MOST_BODY:
            raise Refused(413, f"At most {MOST_BODY} bytes.")
    return bytes(found)


def answer(value: Any, status: int, kind: str, headers: dict[str, str] | None = None) -> Response:
    """A JSON response."""
    more = {"cache-control": "no-store", **(headers or {})}
    return Response(encode(value), status, more, f"{kind}; charset=utf-8")


def refusal(request: Request, no: Refused) -> Response:
    """The answer to what isn't executed, in the type that the client prefers."""
    kinds = media.accepted(request.headers.get("accept", ""))
    kind = media.RESPONSE if kinds[:1] == [media.RESPONSE] else media.JSON
    return answer({"errors": [{"message": no.reason}]}, no.status, kind, no.headers)
