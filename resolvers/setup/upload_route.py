"""`PUT /uploads/EXPERIMENT/NAME`: a file that somebody brings for their launch scripts, as the request's body.

It is beside GraphQL since a body of many MB is no operation: it goes to the disk piece by piece.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from db.outages import find_outage
from db.people import experiments
from db.setup import uploads
from db.setup.uploads import Upload
from domain.names import check_text
from domain.setup.uploads import check_quota, check_upload_name
from door import media
from door.answers import encode_json
from door.http import RequestRefused, make_response, refuse_request
from door.origins import may_connect
from lanes import LaneUnavailable
from resolvers.setup.upload_files import LANE, UploadFile
from schema.context import Context
from schema.ids import node_id

AT_ONCE = 4
"""So many uploads of one person are under way in this process."""
PIECE = 1 << 20
PIECE_S, WHOLE_S = 30.0, 900.0
"""How long the next piece, and all of it, may take to come."""
log = logging.getLogger("resolvers")


@dataclass(slots=True)
class UploadRoute:
    """Takes uploads of whoever `identify` says sends a request."""

    identify: Callable[[Request], Awaitable[Context]]
    under_way: Counter[Hashable] = field(default_factory=Counter)

    async def answer(self, request: Request) -> Response:
        """Take one, or say why not."""
        try:
            return await self._answer_or_refuse(request)
        except RequestRefused as refused:
            return refuse_request(request, refused)
        except ClientDisconnect:
            return Response(status_code=400)

    async def _answer_or_refuse(self, request: Request) -> Response:
        if not may_connect(request.headers.get("origin"), request.headers.get("host")):
            raise RequestRefused(403, "Pages of this origin may not upload.")
        context = await self.identify(request)
        try:
            return await self._take(request, context)
        except (RequestRefused, ClientDisconnect):
            raise
        except Exception as error:
            outage = find_outage(error)
            if outage is not None:
                wait = str(outage.retry_after_s)
                raise RequestRefused(503, outage.message, retry_after=wait) from error
            if not isinstance(error, OSError | LaneUnavailable):
                raise
            log.warning("an upload could not be kept: %r", error)
            why = "The upload could not be kept: try it again."
            raise RequestRefused(503, why, retry_after="10") from error

    async def _take(self, request: Request, context: Context) -> Response:
        root = context.app_state.upload_folder
        if root is None:
            raise RequestRefused(
                404, "Nothing is uploaded here: POMS_UPLOADS is not set (docs/operations.md)."
            )
        name = request.path_params["name"]
        if said := check_upload_name(name):
            raise RequestRefused(400, said)
        owner = await self._find_owner(request, context)
        await self._check_announced(request, context, owner, name)
        payer = context.payer
        if self.under_way[payer] >= AT_ONCE:
            raise RequestRefused(
                429, f"{AT_ONCE} uploads of yours are under way: wait for one.", retry_after="5"
            )
        self.under_way[payer] += 1
        try:
            file = await LANE.call(lambda: UploadFile(root, *owner))
            try:
                await _receive_body(request, file, context.app_state.upload_quota)
                row = await _keep_upload(context, file, owner, name)
            finally:
                await asyncio.shield(LANE.call(file.discard))
        finally:
            self.under_way[payer] -= 1
            if not self.under_way[payer]:
                del self.under_way[payer]
        return make_response(encode_json(_show_upload(row)), 200, media.JSON, {})

    async def _find_owner(self, request: Request, context: Context) -> tuple[int, int]:
        name = request.path_params["experiment"]
        row = None if check_text(name, 100) else await experiments.find_by_name(context.db, name)
        if row is None or not context.allows("view", row.id):
            raise RequestRefused(404, f"There is no experiment {name[:200]!r} that you can see.")
        if not context.allows("create", row.id):
            raise RequestRefused(403, f"You may not upload in {row.name}.")
        return row.id, context.viewer.person_id

    async def _check_announced(
        self, request: Request, context: Context, owner: tuple[int, int], name: str
    ) -> None:
        """Refuse early what says itself that it is too much."""
        announced = request.headers.get("content-length", "")
        if announced.isdecimal():
            there = await uploads.list_by_person(context.db, *owner)
            _require_room(there, name, int(announced), context.app_state.upload_quota)


def _require_room(there: Sequence[Upload], name: str, size: int, most: int) -> None:
    """Raise RequestRefused where an upload does not go beside the others; it takes the place of the one of its name."""
    others = [row for row in there if row.name != name]
    if said := check_quota(sum(row.size for row in others), len(others), size, most):
        raise RequestRefused(413, said)


async def _receive_body(request: Request, file: UploadFile, most: int) -> None:
    """Write the body to the disk, as long as it isn't too long, whatever was announced."""
    pieces, end = request.stream(), asyncio.get_running_loop().time() + WHOLE_S
    waiting = bytearray()
    try:
        while True:
            until = min(end, asyncio.get_running_loop().time() + PIECE_S)
            async with asyncio.timeout_at(until):
                piece = await anext(pieces, None)
            waiting += piece or b""
            if said := check_quota(0, 0, file.size + len(waiting), most):
                raise RequestRefused(413, said)
            if len(waiting) >= PIECE or (piece is None and waiting):
                whole, waiting = bytes(waiting), bytearray()
                await LANE.call(partial(file.write, whole))
            if piece is None:
                return
    except TimeoutError as late:
        raise RequestRefused(408, "The upload didn't arrive in time.") from late


async def _keep_upload(
    context: Context, file: UploadFile, owner: tuple[int, int], name: str
) -> Upload:
    """Note it, in the place of what has its name; where that is the same, nothing changes."""
    await LANE.call(file.finish)
    async with context.reached.acquire() as conn, conn.transaction():
        there = await uploads.lock_by_person(conn, *owner)
        before = next((row for row in there if row.name == name), None)
        if before and (before.checksum, before.size) == (file.checksum, file.size):
            return before
        _require_room(there, name, file.size, context.app_state.upload_quota)
        row = await uploads.create(conn, owner, name, file.size, file.checksum)
        await LANE.call(lambda: file.publish(row.id))
    await context.ring()
    return row


def _show_upload(row: Upload) -> dict[str, Any]:
    """As GraphQL shows it."""
    return {
        "id": node_id("upload", row.id),
        "name": row.name,
        "size": row.size,
        "checksum": row.checksum,
        "createdAt": row.created_at.isoformat(),
    }
