"""Opening a catalog outside of ours as it was recorded: its adapter, its lane, as whom it is asked."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ssl import SSLContext

import httpx2

from catalogs import CatalogRefused, ListingCatalog, sam
from catalogs.http_calls import CALL_S, AnswerJudge, CatalogHttp, SignIn
from domain.addresses import check_resolved
from domain.files.catalogs import CatalogKind, check_catalog_url, is_trusted
from lanes import CallLane

ReadSecret = Callable[[], Awaitable[str]]
"""Reads the token or password with which a catalog is asked, as it is now; raises CatalogSignInRefused."""


@dataclass(frozen=True, slots=True)
class CatalogAccess:
    """A catalog as it was recorded, and how we are known there."""

    id: int
    experiment: str
    name: str
    kind: CatalogKind
    url: str
    settings: Mapping[str, str]
    read_secret: ReadSecret | None = None
    """None: it is asked as nobody, or by a certificate."""
    tls: SSLContext | None = None
    """With the certificate of who asks."""


@dataclass(frozen=True, slots=True)
class CatalogAdapter:
    """How catalogs of one kind are spoken to."""

    at_once: int
    judge: AnswerJudge
    make_sign_in: Callable[[CatalogAccess], SignIn | None]
    make: Callable[[CatalogHttp, CatalogAccess], ListingCatalog]


def _make_sam(http: CatalogHttp, access: CatalogAccess) -> ListingCatalog:
    return sam.SamCatalog(http, sam.SamAccount(access.experiment, **access.settings))


def make_bearer_sign_in(access: CatalogAccess, headers: Mapping[str, str]) -> SignIn:
    """Show the token itself at each call, beside other headers; without one these alone."""

    async def sign_in(_http: httpx2.AsyncClient) -> Mapping[str, str]:
        if access.read_secret is None:
            return headers
        return {**headers, "Authorization": f"Bearer {await access.read_secret()}"}

    return sign_in


ADAPTERS: Mapping[CatalogKind, CatalogAdapter] = {
    CatalogKind.SAM: CatalogAdapter(
        at_once=sam.AT_ONCE,
        judge=sam.judge_answer,
        make_sign_in=lambda access: make_bearer_sign_in(access, sam.HEADERS),
        make=_make_sam,
    ),
}


class CatalogClients:
    """Opens catalogs for one process: each has one lane there, whoever asks it."""

    def __init__(self, trusted: frozenset[str] = frozenset()) -> None:
        """`trusted`: hosts for which the deployment vouches, whatever their addresses."""
        self._trusted, self._lanes = trusted, dict[int, CallLane]()

    @asynccontextmanager
    async def open(self, access: CatalogAccess) -> AsyncIterator[ListingCatalog]:
        """The catalog, until the block ends; raises CatalogRefused where it may not be asked."""
        adapter = ADAPTERS.get(access.kind)
        if adapter is None:
            raise CatalogRefused(f"Catalogs of kind {access.kind} can't be asked yet.")
        if wrong := check_catalog_url(access.url, self._trusted):
            raise CatalogRefused(f"{access.name} is not asked: {wrong}")
        if access.id not in self._lanes:
            name = f"catalog:{access.experiment}:{access.name}"
            self._lanes[access.id] = CallLane(name, CALL_S, at_once=adapter.at_once)
        http = CatalogHttp(
            access.url,
            self._lanes[access.id],
            adapter.judge,
            adapter.make_sign_in(access),
            tls=access.tls,
            check_peer=None if is_trusted(access.url, self._trusted) else _check_peer,
        )
        async with http:
            yield adapter.make(http, access)


def _check_peer(address: str) -> str | None:
    return check_resolved([address])
