"""GraphQL over HTTP by the letter; the way in for sockets and event streams too."""

import asyncio
import logging
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic
from uuid import uuid4

from graphql import GraphQLError, OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.types import ExecutionResult

from door import media
from door.answers import encode_json, encode_result, is_request_error
from door.budgets import SPENT, make_budget_error
from door.channels import Channel
from door.context import NotSignedIn, OutOfService
from door.masking import MESSAGE
from door.origins import may_connect
from door.requests import GraphQLRequest, MalformedRequest, ask_by_url, decode_json, parse_request
from door.schema import DoorSchema
from door.shared import SharedRuns
from door.signing import C, SignIn, parse_bearer_token
from door.sockets import PROTOCOL, WebSocketChannel
from door.sse import EventStreamChannel
from log_lines import find_request_id

MOST_BODY = 1_000_000
BODY_SECONDS = 30.0
log = logging.getLogger("door")


class RequestRefused(Exception):
    """The request isn't executed."""

    def __init__(self, status: int, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Door(Generic[C]):
    """An ASGI application that answers GraphQL. Route both HTTP and websockets to it.

    `playground` is a page that browsers get.
    """

    def __init__(
        self,
        schema: DoorSchema,
        sign_in: SignIn[C],
        *,
        playground: Path | None = None,
    ) -> None:
        self.schema, self.sign_in, self.playground = schema, sign_in, playground
        self.hub = SharedRuns(schema)
        self.open: dict[Channel, C] = {}
        self.by_payer: dict[Hashable, dict[Channel, None]] = {}
        """The open connections of each caller, oldest first."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "websocket":
            return await self.converse(WebSocket(scope, receive, send))
        request = Request(scope, receive)
        try:
            response = await self.respond(request, receive, send)
        except RequestRefused as no:
            response = refuse_request(request, no)
        except ClientDisconnect:
            return None
        except Exception:
            name = find_request_id() or uuid4().hex[:16]
            log.exception("request %s failed before it was executed", name)
            response = refuse_request(request, RequestRefused(500, MESSAGE, x_request_id=name))
        if response is not None:
            await response(scope, receive, send)
        return None

    async def respond(self, request: Request, receive: Receive, send: Send) -> Response | None:
        """The answer, or nothing when it was sent already."""
        accept = request.headers.get("accept", "")
        if request.method not in ("GET", "POST"):
            raise RequestRefused(405, "Send GET or POST.", allow="GET, POST")
        if request.method == "GET" and self.playground and media.is_page_request(accept):
            return FileResponse(self.playground, headers={"cache-control": "no-cache"})
        kinds = media.parse_accept(accept)
        if not kinds:
            raise RequestRefused(
                406, f"This answers {media.RESPONSE}, {media.JSON} or {media.EVENTS}."
            )
        context = await self.identify(request)
        wanted = await read_request(request)
        streams = self.route(request, wanted, kinds)
        if streams:
            if refused := self.find_overdraft(context):
                return refuse_event_stream(refused, context.request_id)
            await self.stream(wanted, context, receive, send)
            return None
        return await self.execute(wanted, context, kinds[0])

    async def identify(self, request: Request) -> C:
        """Who asks."""
        token = parse_bearer_token(request.headers.get("authorization"))
        try:
            return await self.sign_in(request, token)
        except NotSignedIn as why:
            how = 'Bearer error="invalid_token"' if token else "Bearer"
            raise RequestRefused(401, why.reason, www_authenticate=how) from why
        except OutOfService as why:
            raise RequestRefused(503, why.reason, retry_after=str(why.retry_after_s)) from why

    def route(self, request: Request, wanted: GraphQLRequest, kinds: list[str]) -> bool:
        """Whether to answer as a stream of events; refuses what doesn't fit the method."""
        try:
            self.schema.documents.parse_document(wanted.query)
        except GraphQLError:
            return kinds[0] == media.EVENTS  # executing it says what is wrong
        try:
            kind = self.schema.operation(wanted).operation
        except GraphQLError as error:
            raise RequestRefused(400, error.message) from error
        if kind is OperationType.MUTATION and request.method == "GET":
            raise RequestRefused(405, "Mutations are sent by POST.", allow="POST")
        if kind is not OperationType.SUBSCRIPTION:
            return kinds[0] == media.EVENTS
        if media.EVENTS not in kinds:
            raise RequestRefused(
                406, f"Subscriptions answer as {media.EVENTS}, or over {PROTOCOL}."
            )
        return True

    async def execute(self, wanted: GraphQLRequest, context: C, kind: str) -> Response:
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
        headers = {"x-request-id": context.request_id}
        wait_s = compute_retry_after(result)
        if wait_s is not None:
            return make_response(
                encode_result(result), 429, kind, headers | {"retry-after": str(wait_s)}
            )
        status = 400 if kind == media.RESPONSE and is_request_error(result) else 200
        return make_response(encode_result(result), status, kind, headers)

    async def stream(
        self, wanted: GraphQLRequest, context: C, receive: Receive, send: Send
    ) -> None:
        """One operation, its results as events."""
        events = EventStreamChannel(receive, send)
        events.context = context
        self.register_connection(events, context)
        events.expire(context.expires_in_s)
        self.hub.begin(events.open("1", wanted))
        try:
            await events.respond()
        finally:
            self.forget_connection(events)

    async def converse(self, ws: WebSocket) -> None:
        """One websocket."""
        if not may_connect(ws.headers.get("origin"), ws.headers.get("host")):
            return await ws.close(4403, "This origin may not connect")
        if PROTOCOL not in ws.scope["subprotocols"]:
            await ws.accept()
            return await ws.close(4406, "Subprotocol not acceptable")
        socket = WebSocketChannel(ws, self.hub, self.sign_in, self.register_connection)
        try:
            await socket.converse()
        finally:
            self.forget_connection(socket)
        return None

    def find_overdraft(self, context: C) -> GraphQLError | None:
        """The refusal of one more connection that stays, where its caller has as many as one may."""
        most, payer = self.schema.budgets.budget.connections, getattr(context, "payer", None)
        is_full = most and payer is not None and len(self.by_payer.get(payer, ())) >= most
        return make_budget_error("connections that stay open", most, 1) if is_full else None

    def register_connection(self, channel: Channel, context: C) -> None:
        """Remember a connection that stays; close it where its caller has as many as one may."""
        self.open[channel] = context
        most, payer = self.schema.budgets.budget.connections, getattr(context, "payer", None)
        if not most or payer is None:
            return
        mine = self.by_payer.setdefault(payer, {})
        mine[channel] = None
        if len(mine) > most:
            channel.close(4429, f"You have {most} connections open already: close one first")

    def forget_connection(self, channel: Channel) -> None:
        """Forget a connection that has ended."""
        payer = getattr(self.open.pop(channel, None), "payer", None)
        mine = self.by_payer.get(payer, {})
        mine.pop(channel, None)
        if not mine:
            self.by_payer.pop(payer, None)

    def close_where(
        self, predicate: Callable[[C], bool], code: int = 4403, reason: str = "Forbidden"
    ) -> int:
        """Close the open connections of some viewers, such as one who lost a membership."""
        found = [channel for channel, context in self.open.items() if predicate(context)]
        for channel in found:
            channel.close(code, reason)
        return len(found)


async def read_request(request: Request) -> GraphQLRequest:
    """What is asked, from the URL or the body."""
    try:
        if request.method == "GET":
            return ask_by_url(request.query_params)
        given = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if given != media.JSON:
            raise RequestRefused(415, f"Send {media.JSON}.", accept=media.JSON)
        async with asyncio.timeout(BODY_SECONDS):
            return parse_request(decode_json(await read_bounded_body(request)))
    except MalformedRequest as why:
        raise RequestRefused(400, why.reason) from why
    except TimeoutError as late:
        raise RequestRefused(408, "The body didn't arrive in time.") from late


async def read_bounded_body(request: Request) -> bytes:
    """The body, as long as it isn't too long, whether or not its length was announced."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > MOST_BODY:
        raise RequestRefused(413, f"At most {MOST_BODY} bytes.")
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > MOST_BODY:
            raise RequestRefused(413, f"At most {MOST_BODY} bytes.")
    return bytes(found)


def compute_retry_after(result: ExecutionResult) -> int | None:
    """In how many seconds a caller may ask again who has used up a budget; None where nobody has."""
    codes = [error.extensions or {} for error in result.errors or ()]
    waits: list[int] = [said["retryAfterS"] for said in codes if said.get("code") == SPENT]
    return max(waits, default=None)


def refuse_event_stream(refused: GraphQLError, request_id: str) -> Response:
    """The refusal of an event stream, which is none yet: JSON, as of whatever is not executed."""
    result = ExecutionResult(data=None, errors=[refused])
    headers = {"x-request-id": request_id, "retry-after": str(compute_retry_after(result))}
    return make_response(encode_result(result), 429, media.JSON, headers)


def make_response(body: bytes, status: int, kind: str, headers: dict[str, str]) -> Response:
    """A JSON response."""
    more = {"cache-control": "no-store", **headers}
    return Response(body, status, more, f"{kind}; charset=utf-8")


def refuse_request(request: Request, no: RequestRefused) -> Response:
    """The answer to what isn't executed, in the type that the client prefers."""
    kinds = media.parse_accept(request.headers.get("accept", ""))
    kind = media.RESPONSE if kinds[:1] == [media.RESPONSE] else media.JSON
    return make_response(
        encode_json({"errors": [{"message": no.reason}]}), no.status, kind, no.headers
    )
