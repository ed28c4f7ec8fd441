"""Catalogs over HTTP: what passes is tried again, what is cut counts for nothing, who was signed in signs in anew."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from catalogs import (
    CatalogRefused,
    CatalogSignInRefused,
    CatalogUnavailable,
    ListingIncomplete,
    http_calls,
)
from catalogs.http_calls import CatalogHttp
from lanes import CallLane
from up.ports import find_free_port


class FaultyCatalog:
    """Answers with lines, after as many 503 and refused tokens as it is told to give."""

    def __init__(self) -> None:
        self.busy = self.signed_in = 0
        self.token = "t0"

    async def answer(self, request: Request) -> Response:
        if self.busy:
            self.busy -= 1
            return PlainTextResponse("busy", 503)
        if request.headers.get("token") != self.token:
            return PlainTextResponse("who?", 401)
        match request.url.path:
            case "/lines":
                return StreamingResponse(self.iterate_lines())
            case "/cut":
                return StreamingResponse(self.iterate_lines(), headers={"content-length": "1000"})
            case path:
                return PlainTextResponse(f"no {path}", 404)

    async def iterate_lines(self) -> AsyncIterator[bytes]:
        for piece in (b"a\nb", b"c\n\n", b"d"):
            yield piece

    async def sign_in(self, _http: httpx2.AsyncClient) -> Mapping[str, str]:
        self.signed_in += 1
        return {"token": self.token}


def judge_answer(status: int, _headers: Mapping[str, str], text: str) -> Exception:
    if status == httpx2.codes.UNAUTHORIZED:
        return CatalogSignInRefused(text)
    return (
        CatalogUnavailable(text)
        if status >= httpx2.codes.INTERNAL_SERVER_ERROR
        else CatalogRefused(text)
    )


@pytest.fixture
def faulty() -> FaultyCatalog:
    return FaultyCatalog()


@pytest.fixture
async def url(faulty: FaultyCatalog) -> AsyncIterator[str]:
    app = Starlette(routes=[Route("/{path:path}", faulty.answer)])
    config = uvicorn.Config(app, port=find_free_port(), log_level="critical", lifespan="off")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    yield f"http://127.0.0.1:{config.port}"
    await server.shutdown()


@pytest.fixture
async def http(url: str, faulty: FaultyCatalog) -> AsyncIterator[CatalogHttp]:
    lane = CallLane("catalog:test", 60)
    async with CatalogHttp(url, lane, judge_answer, faulty.sign_in) as made:
        yield made


async def read_lines(http: CatalogHttp, path: str) -> list[bytes]:
    async with aclosing(http.iterate_lines("GET", path)) as lines:
        return [line async for line in lines]


async def test_lines_come_whole_and_what_is_cut_is_no_listing(http: CatalogHttp) -> None:
    assert await read_lines(http, "/lines") == [b"a", b"bc", b"d"]
    with pytest.raises(ListingIncomplete):
        await read_lines(http, "/cut")


async def test_a_listing_that_takes_too_long_ends_where_it_is_read(
    http: CatalogHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_calls, "LISTING_S", -1)
    with pytest.raises(ListingIncomplete, match="more than"):
        await read_lines(http, "/lines")


async def test_a_busy_catalog_is_asked_again_and_a_refusal_is_not(
    http: CatalogHttp, faulty: FaultyCatalog
) -> None:
    faulty.busy = 2
    assert (await http.ask("GET", "/lines"))[1] == "a\nbc\n\nd"
    with pytest.raises(CatalogRefused, match="no /nothing"):
        await http.ask("GET", "/nothing")
    assert faulty.signed_in == 1


async def test_who_was_signed_in_signs_in_anew_once(
    http: CatalogHttp, faulty: FaultyCatalog
) -> None:
    assert await read_lines(http, "/lines")
    faulty.token = "t1"
    assert await read_lines(http, "/lines")
    assert faulty.signed_in == 2


async def test_nothing_is_read_of_a_machine_that_is_not_to_be_asked(url: str) -> None:
    lane = CallLane("catalog:near", 60)
    async with CatalogHttp(url, lane, judge_answer, check_peer=lambda at: f"not {at}") as http:
        with pytest.raises(CatalogRefused, match=r"not 127\.0\.0\.1"):
            await read_lines(http, "/lines")


async def test_a_sign_in_that_leads_to_another_machine_gets_no_answer(
    url: str, faulty: FaultyCatalog
) -> None:
    async def sign_in(http: httpx2.AsyncClient) -> Mapping[str, str]:
        return {"token": (await http.get("/lines")).text}

    lane = CallLane("catalog:peer", 60)
    async with CatalogHttp(
        url, lane, judge_answer, sign_in, check_peer=lambda at: f"not {at}"
    ) as http:
        with pytest.raises(CatalogRefused, match=r"not 127\.0\.0\.1"):
            await sign_in(http._http)


async def test_nobody_at_the_address_means_unavailable() -> None:
    lane = CallLane("catalog:away", 60)
    async with CatalogHttp(f"http://127.0.0.1:{find_free_port()}", lane, judge_answer) as http:
        with pytest.raises(CatalogUnavailable):
            await read_lines(http, "/lines")
