"""Opening a catalog outside of ours as it was recorded: its adapter, its lane, as whom it is asked."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ssl import SSLContext

import httpx2

from catalogs import CatalogRefused, CatalogSignInRefused, ListingCatalog, metacat, rucio, sam
from catalogs.http_calls import (
    CALL_S,
    AnswerJudge,
    CatalogHttp,
    ReadSecret,
    SignIn,
    choose_peer_check,
)
from domain.addresses import check_outside_url
from domain.files.catalogs import OUTPUTS_STORAGE, STAGING_SCOPE, CatalogKind
from lanes import CallLane


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
    has_password: bool = False
    """What is read is a password, not a token."""
    tls: SSLContext | None = None
    """With the certificate of who asks."""


@dataclass(frozen=True, slots=True)
class CatalogAdapter:
    """How catalogs of one kind are spoken to."""

    at_once: int
    judge: AnswerJudge
    make_sign_in: Callable[[CatalogAccess], SignIn | None]
    make: Callable[[CatalogHttp, CatalogAccess], ListingCatalog]
    path: str = ""
    """Below the catalog's address, where what is asked lies."""


def _make_sam(http: CatalogHttp, access: CatalogAccess) -> ListingCatalog:
    return sam.SamCatalog(http, sam.SamAccount(access.experiment, **access.settings))


def make_bearer_sign_in(access: CatalogAccess, headers: Mapping[str, str]) -> SignIn:
    """Show the token itself at each call, beside other headers; without one these alone."""

    async def sign_in(_http: httpx2.AsyncClient) -> Mapping[str, str]:
        if access.read_secret is None:
            return headers
        return {**headers, "Authorization": f"Bearer {await access.read_secret()}"}

    return sign_in


def _make_rucio(http: CatalogHttp, access: CatalogAccess) -> ListingCatalog:
    given = {
        "scope": access.settings.get(STAGING_SCOPE),
        "disk": access.settings.get("staging_disk"),
        "storage": access.settings.get(OUTPUTS_STORAGE),
    }
    said = {name: value for name, value in given.items() if value}
    return rucio.RucioCatalog(http, rucio.RucioSettings(access.settings["account"], **said))


def make_rucio_sign_in(access: CatalogAccess) -> SignIn:
    """Rucio is asked as one of its accounts, never as nobody."""
    account = access.settings["account"]
    secret = _require_secret(access)
    if access.has_password:
        user = access.settings.get("user", account)
        return rucio.make_password_sign_in(account, user, secret)
    return rucio.make_token_sign_in(account, secret)


def make_metacat_sign_in(access: CatalogAccess) -> SignIn | None:
    """Without a credential as nobody, who may read."""
    if access.read_secret is None and access.tls is None:
        return None
    secret = _require_secret(access)
    user = access.settings.get("user")
    if not user:
        raise CatalogRefused(
            f"Say in the settings of {access.name} as which user of MetaCat: `user`."
        )
    url = access.settings.get("sign_in_url", f"{access.url.rstrip('/')}/auth")
    return metacat.make_sign_in(
        f"{url.rstrip('/')}/auth", user, secret, by_password=access.has_password
    )


def _require_secret(access: CatalogAccess) -> ReadSecret:
    if access.read_secret is None:
        raise CatalogSignInRefused(
            f"{access.name} is asked with a token or a password: give it such a credential."
        )
    return access.read_secret


ADAPTERS: Mapping[CatalogKind, CatalogAdapter] = {
    CatalogKind.SAM: CatalogAdapter(
        at_once=sam.AT_ONCE,
        judge=sam.judge_answer,
        make_sign_in=lambda access: make_bearer_sign_in(access, sam.HEADERS),
        make=_make_sam,
    ),
    CatalogKind.RUCIO: CatalogAdapter(
        at_once=rucio.AT_ONCE,
        judge=rucio.judge_answer,
        make_sign_in=make_rucio_sign_in,
        make=_make_rucio,
    ),
    CatalogKind.METACAT: CatalogAdapter(
        at_once=metacat.AT_ONCE,
        judge=metacat.judge_answer,
        make_sign_in=make_metacat_sign_in,
        make=lambda http, _access: metacat.MetaCatCatalog(http),
        path="/data",
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
        adapter = ADAPTERS[access.kind]
        urls = [access.url, *(v for k, v in access.settings.items() if k.endswith("_url"))]
        if wrong := next(filter(None, (check_outside_url(u, self._trusted) for u in urls)), None):
            raise CatalogRefused(f"{access.name} is not asked: {wrong}")
        if access.id not in self._lanes:
            name = f"catalog:{access.experiment}:{access.name}"
            self._lanes[access.id] = CallLane(name, CALL_S, at_once=adapter.at_once)
        http = CatalogHttp(
            f"{access.url.rstrip('/')}{adapter.path}",
            self._lanes[access.id],
            adapter.judge,
            adapter.make_sign_in(access),
            tls=access.tls,
            check_peer=choose_peer_check(access.url, self._trusted),
        )
        async with http:
            yield adapter.make(http, access)
