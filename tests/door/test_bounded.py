"""Heads that are too long or never end cost nothing: they are cut off, and others are answered."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from door import bounded
from door.bounded import BoundedHttp
from up.ports import find_free_port


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(bounded, "HEAD_SECONDS", 1.0)

    async def hello(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    app = Starlette(routes=[Route("/", hello, methods=["GET", "POST"])])
    chosen = find_free_port()
    config = uvicorn.Config(app, port=chosen, http=BoundedHttp, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield chosen
    server.should_exit = True
    await running


async def read_answer(port: int, *pieces: bytes) -> bytes:
    """What comes until the server closes; a piece that can't be sent any more is left out."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 20)
    except ConnectionError:
        return b"reset"
    finally:
        writer.close()


GET = b"GET / HTTP/1.1\r\nhost: x\r\n"
CLOSE = b"connection: close\r\n\r\n"


async def test_an_ordinary_request_is_answered(port: int) -> None:
    assert (await read_answer(port, GET + CLOSE)).startswith(b"HTTP/1.1 200")


async def test_a_long_body_is_no_long_head(port: int) -> None:
    body = b"x" * 200_000
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\nconnection: close\r\n\r\n"
    assert (await read_answer(port, head + body)).endswith(b"200000")


@pytest.mark.parametrize(
    "pieces",
    [
        [GET, *[b"a: " + b"x" * 8_000 + b"\r\n"] * 5_000],
        [GET, b"a: ", *[b"x" * 65_536] * 600],
        [b"GET /", *[b"x" * 65_536] * 600],
    ],
    ids=["many headers", "one long header", "a long request line"],
)
async def test_forty_megabytes_of_a_head_are_cut_off(port: int, pieces: list[bytes]) -> None:
    said = await read_answer(port, *pieces)
    assert said == b"reset" or said.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
    assert (await read_answer(port, GET + CLOSE)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("pieces", [[], [b"GET"], [GET]], ids=["nothing", "a word", "a header"])
async def test_a_head_that_never_ends_is_cut_off_in_time(port: int, pieces: list[bytes]) -> None:
    assert (await read_answer(port, *pieces)).startswith(b"HTTP/1.1 408")


async def test_the_second_request_of_a_connection_is_bounded_as_the_first(port: int) -> None:
    said = await read_answer(port, GET + b"\r\n", GET)
    assert said.count(b"HTTP/1.1 200") == 1
    assert said.count(b"HTTP/1.1 408") == 1
