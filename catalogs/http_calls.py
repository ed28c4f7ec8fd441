"""How catalogs are asked by HTTP: streamed, signed in, tried again while it may help, each in its lane."""

import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from ssl import SSLContext
from time import monotonic
from types import TracebackType
from typing import Any, Self

import httpx2
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_before_delay,
    wait_random_exponential,
)

from catalogs import (
    CatalogRefused,
    CatalogSignInRefused,
    CatalogUnavailable,
    CatalogUnreachable,
    ListingIncomplete,
)
from domain.addresses import check_resolved, is_trusted
from lanes import CallLane, LaneUnavailable

CALL_S, LISTING_S = 60.0, 3600.0
"""How long one call may take, and a whole listing."""
PATIENCE_S = 30.0
"""For how long a call is tried again in one go; whoever asked tries again for hours."""
MOST_BYTES = 64 * 1024 * 1024
"""Of an answer that is read as a whole, and of one line of a stream."""
TIMEOUT = httpx2.Timeout(connect=5, read=60, write=30, pool=30)
"""`read` is between two pieces of an answer, not for all of it."""
PIECE = 65_536

AnswerJudge = Callable[[int, Mapping[str, str], str], Exception]
"""What an answer of 400 or more means, by its status, headers and text: CatalogUnavailable, CatalogRefused or
CatalogSignInRefused. The same number means something else in each catalog."""
SignIn = Callable[[httpx2.AsyncClient], Awaitable[Mapping[str, str]]]
"""Fetches the headers that say who asks; raises as a call does."""
ReadSecret = Callable[[], Awaitable[str]]
"""Reads the token or password with which a catalog is asked, as it is now; raises CatalogSignInRefused."""
PeerCheck = Callable[[str], str | None]
"""What is wrong with the address that a connection has led to, or nothing."""


def choose_peer_check(url: str, trusted: frozenset[str]) -> PeerCheck | None:
    """What is asked of the machine that answers at a URL; nothing of hosts for which the deployment vouches."""
    return None if is_trusted(url, trusted) else lambda address: check_resolved([address])


class CatalogHttp:
    """One catalog's server, asked as one account."""

    def __init__(
        self,
        url: str,
        lane: CallLane,
        judge: AnswerJudge,
        sign_in: SignIn | None = None,
        *,
        tls: SSLContext | None = None,
        check_peer: PeerCheck | None = None,
    ) -> None:
        """`tls`: with the certificate of who asks, where that is how they are known."""
        self._lane, self._judge, self._sign_in = lane, judge, sign_in
        self._check_peer = check_peer
        self._signed: Mapping[str, str] = {}
        self._http = httpx2.AsyncClient(
            base_url=url,
            timeout=TIMEOUT,
            limits=httpx2.Limits(max_connections=4),
            trust_env=False,
            verify=tls or True,
            event_hooks={"response": [self._refuse_peer]},
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

    def is_at(self, url: str) -> bool:
        """Whether a URL that the catalog has told leads to the same machine by the same scheme."""
        there, known = httpx2.URL(url), self._http.base_url
        return (there.scheme, there.host) == (known.scheme, known.host)

    async def ask(self, method: str, path: str, **more: Any) -> tuple[Mapping[str, str], str]:
        """Send a request that may be repeated, and return headers and text of its answer; `more` is httpx's."""
        tries = AsyncRetrying(
            retry=retry_if_exception(_is_worth_a_retry),
            stop=stop_before_delay(PATIENCE_S),
            wait=wait_random_exponential(multiplier=0.5, max=10),
            reraise=True,
        )

        async def ask_once() -> tuple[Mapping[str, str], str]:
            async with self._answering(CALL_S, method, path, more) as answer:
                return answer.headers, (await _read_bounded(answer)).decode(errors="replace")

        return await tries(ask_once)

    async def iterate_lines(
        self, method: str, path: str, **more: Any
    ) -> AsyncGenerator[bytes, None]:
        """The lines of an answer as they come, without a retry: who has seen some begins anew.

        Raises ListingIncomplete where it ends early. Close it (`aclosing`): it keeps its place in the lane.
        """
        rest, until = b"", monotonic() + LISTING_S
        # A deadline of the lane's would interrupt whoever has the lines in hand, wherever that is then.
        async with self._answering(math.inf, method, path, more) as answer:
            async for piece in answer.aiter_bytes(PIECE):
                if monotonic() > until:
                    raise ListingIncomplete(f"It has taken more than {LISTING_S:g} s.")
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield line
                if len(rest) > MOST_BYTES:
                    raise ListingIncomplete(f"A line has more than {MOST_BYTES} bytes.")
        if rest.strip():
            yield rest

    @asynccontextmanager
    async def _answering(
        self, within_s: float, method: str, path: str, more: Mapping[str, Any]
    ) -> AsyncIterator[httpx2.Response]:
        """An answer that is none of a fault, in the lane; signs in where that is needed, anew once."""
        with _raise_as_unavailable():
            async with self._lane.enter((CatalogUnavailable, httpx2.TransportError), within_s):
                was_signed = bool(self._signed)
                try:
                    async with self._send(method, path, more) as answer:
                        yield answer
                        return
                except CatalogSignInRefused:
                    self._signed = {}
                    if not was_signed or self._sign_in is None:
                        raise
                async with self._send(method, path, more) as answer:
                    yield answer

    @asynccontextmanager
    async def _send(
        self, method: str, path: str, more: Mapping[str, Any]
    ) -> AsyncIterator[httpx2.Response]:
        if self._sign_in is not None and not self._signed:
            self._signed = await self._sign_in(self._http)
        async with self._http.stream(method, path, headers=self._signed, **more) as answer:
            if answer.status_code >= httpx2.codes.MULTIPLE_CHOICES:
                text = (await _read_bounded(answer)).decode(errors="replace")
                raise self._judge(answer.status_code, answer.headers, text)
            yield answer

    async def _refuse_peer(self, answer: httpx2.Response) -> None:
        """Read nothing of what a machine has answered that is not to be asked, to a sign-in neither."""
        if self._check_peer is None:
            return
        address = answer.extensions["network_stream"].get_extra_info("server_addr")
        if wrong := self._check_peer(address[0]):
            raise CatalogRefused(wrong)


def _is_worth_a_retry(error: BaseException) -> bool:
    return isinstance(error, CatalogUnavailable) and not isinstance(error, CatalogUnreachable)


async def _read_bounded(answer: httpx2.Response) -> bytes:
    pieces, size = list[bytes](), 0
    async for piece in answer.aiter_bytes(PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > MOST_BYTES:
            raise ListingIncomplete(f"The answer has more than {MOST_BYTES} bytes.")
    return b"".join(pieces)


@contextmanager
def _raise_as_unavailable() -> Iterator[None]:
    """What passes, as one exception: broken connections, and a lane that is open or whose time is over."""
    try:
        yield
    except httpx2.ConnectTimeout as error:
        raise CatalogUnreachable("Nobody answers at the catalog's address.") from error
    except (httpx2.RemoteProtocolError, httpx2.ReadError) as error:
        raise ListingIncomplete(f"The answer was cut: {error}".rstrip(": ")) from error
    except httpx2.TransportError as error:
        raise CatalogUnavailable(f"{type(error).__name__}: {error}".rstrip(": ")) from error
    except LaneUnavailable as error:
        raise CatalogUnreachable(f"The catalog does not answer: {error}.") from error
