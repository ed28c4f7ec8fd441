"""The catalogs of tests and benchmarks, opened as whoever may do all in them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from catalogs import metacat, rucio
from catalogs.http_calls import CatalogHttp, ReadSecret
from lanes import CallLane
from tests.catalogs.catalog_servers import CatalogServer

DISK = "DISK_A"
RUCIO_SETTINGS = rucio.RucioSettings("root", scope="dune", storage=DISK)


def keep_secret(text: str) -> ReadSecret:
    async def read() -> str:
        return text

    return read


@asynccontextmanager
async def open_rucio(
    server: CatalogServer,
    settings: rucio.RucioSettings = RUCIO_SETTINGS,
    *,
    password: str = "secret",
    token: str = "",
) -> AsyncIterator[rucio.RucioCatalog]:
    sign_in = (
        rucio.make_token_sign_in("root", keep_secret(token))
        if token
        else rucio.make_password_sign_in("root", "poms", keep_secret(password))
    )
    lane = CallLane("catalog:rucio", 60)
    async with CatalogHttp(server.url, lane, rucio.judge_answer, sign_in) as http:
        yield rucio.RucioCatalog(http, settings)


@asynccontextmanager
async def open_metacat(
    server: CatalogServer, token: str = "good"
) -> AsyncIterator[metacat.MetaCatCatalog]:
    sign_in = metacat.make_sign_in(
        f"{server.url}/app/auth/auth", "poms", keep_secret(token), by_password=False
    )
    lane = CallLane("catalog:metacat", 60)
    async with CatalogHttp(f"{server.url}/app/data", lane, metacat.judge_answer, sign_in) as http:
        yield metacat.MetaCatCatalog(http)
