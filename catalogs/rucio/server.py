"""How Rucio's server is asked: sign-in, names, what its errors mean, and how many files one request takes."""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

import httpx2
import orjson

from catalogs import (
    CatalogRefused,
    CatalogSignInRefused,
    CatalogUnavailable,
    ListingIncomplete,
)
from catalogs.http_calls import CatalogHttp, ReadSecret, SignIn

AT_ONCE = 4
MOST_FILES = 1_000
"""What Rucio's schemas take in one request; of more it says that it is no valid object."""
PASSING = frozenset(
    [
        "DatabaseException",
        "ReplicationRuleCreationTemporaryFailed",
        "ResourceTemporaryUnavailable",
        "ServiceUnavailable",
    ]
)
"""Classes of errors after which the same request may succeed."""
ABSENT = frozenset(["DataIdentifierNotFound", "RuleNotFound"])
BUSY = frozenset([408, 425, 429])
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class RucioSettings:
    """As whom Rucio is asked, and where in it."""

    account: str
    scope: str = ""
    """Where datasets of ours are made."""
    storage: str | None = None
    """The RSE where outputs lie; without it nothing can be declared."""
    disk: str = "rse_type=DISK"
    """The RSE expression of where files are brought to from tape."""
    activity: str = "Staging"


class RucioRefusal(CatalogRefused):
    """Rucio refuses; its class of the error says more than the number of the status does."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"Rucio refuses: {text} ({kind})")
        self.kind = kind


class RucioNotFound(RucioRefusal):
    """There is no such dataset, file or rule (any more)."""


class RucioDid(NamedTuple):
    """The name of a file, dataset or container."""

    scope: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "RucioDid":
        """Raises CatalogRefused where it is none."""
        scope, colon, name = text.partition(":")
        if not (scope and colon and name):
            raise CatalogRefused(
                f"Name a dataset or container of Rucio as scope:name, not {text!r}."
            )
        return cls(scope, name)

    def __str__(self) -> str:
        return f"{self.scope}:{self.name}"

    @property
    def path(self) -> str:
        """In a URL; names may have slashes."""
        return f"{quote(self.scope, safe='')}/{quote(self.name, safe='')}"

    @property
    def item(self) -> dict[str, str]:
        """In a request."""
        return self._asdict()


def divide_items(items: Sequence[Item], most: int = MOST_FILES) -> Iterator[Sequence[Item]]:
    """Those that one request takes, one part after the other."""
    for low in range(0, len(items), most):
        yield items[low : low + most]


def judge_answer(status: int, headers: Mapping[str, str], text: str) -> Exception:
    """By the class of the error; by its number only where the answer isn't Rucio's own."""
    kind, message = _read_error(headers, text)
    if kind == "CannotAuthenticate" or (not kind and status == httpx2.codes.UNAUTHORIZED):
        return CatalogSignInRefused(f"Rucio does not take the account's credential: {message}")
    is_used_up = kind == "DatabaseException" and "deleted DID" in message
    if is_used_up or (kind and kind not in PASSING):
        return (RucioNotFound if kind in ABSENT else RucioRefusal)(kind, message)
    if kind or status >= httpx2.codes.INTERNAL_SERVER_ERROR or status in BUSY:
        return CatalogUnavailable(f"Rucio answers {status}: {message}")
    return RucioRefusal(f"HTTP {status}", message)


def _read_error(headers: Mapping[str, str], text: str) -> tuple[str, str]:
    """Class and message; the header's message is cut, the body has all of it."""
    try:
        body = orjson.loads(text)
        return str(body["ExceptionClass"]), str(body["ExceptionMessage"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        kind = headers.get("ExceptionClass", "")
        return kind, headers.get("ExceptionMessage", text[:300].strip())


def parse_line(line: bytes) -> dict[str, Any]:
    """One object of a listing; an error after the first lines is no object of it."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ListingIncomplete(f"A line of Rucio's is no JSON: {line[:100]!r}") from error
    if not isinstance(row, dict) or "ExceptionClass" in row:
        raise ListingIncomplete(f"Rucio's listing ends with an error: {line[:300]!r}")
    return row


def make_token_sign_in(account: str, read_secret: ReadSecret) -> SignIn:
    """Show an OIDC token, or one of Rucio's own, at each call."""

    async def sign_in(_http: httpx2.AsyncClient) -> Mapping[str, str]:
        return {"X-Rucio-Auth-Token": await read_secret(), "X-Rucio-Account": account}

    return sign_in


def make_password_sign_in(account: str, user: str, read_secret: ReadSecret) -> SignIn:
    """Get a session for a user name with its password."""

    async def sign_in(http: httpx2.AsyncClient) -> Mapping[str, str]:
        who = {
            "X-Rucio-Account": account,
            "X-Rucio-Username": user,
            "X-Rucio-Password": await read_secret(),
        }
        answer = await http.get("/auth/userpass", headers=who)
        if answer.status_code != httpx2.codes.OK:
            raise judge_answer(answer.status_code, answer.headers, answer.text)
        return {"X-Rucio-Auth-Token": answer.headers["X-Rucio-Auth-Token"]}

    return sign_in


@dataclass(slots=True)
class RucioServer:
    """What all that is asked of Rucio shares: requests, and where in it ours is."""

    http: CatalogHttp
    settings: RucioSettings

    async def list_rows(self, method: str, path: str, **more: Any) -> list[dict[str, Any]]:
        """A bounded listing as a whole."""
        _, text = await self.http.ask(method, path, **more)
        return [parse_line(line) for line in text.encode().splitlines() if line.strip()]

    async def iterate_rows(self, path: str) -> AsyncGenerator[dict[str, Any], None]:
        """A listing of any length; close it (`aclosing`)."""
        async with aclosing(self.http.iterate_lines("GET", path)) as lines:
            async for line in lines:
                yield parse_line(line)

    async def read_object(self, path: str, **more: Any) -> dict[str, Any]:
        """What one path stands for."""
        _, text = await self.http.ask("GET", path, **more)
        return parse_line(text.encode())

    async def make_dataset(self, did: RucioDid) -> bool:
        """Whether it was not there before."""
        body = {"type": "DATASET", "statuses": {}, "meta": {}}
        try:
            await self.http.ask("POST", f"/dids/{did.path}", json=body)
        except RucioRefusal as refusal:
            if refusal.kind != "DataIdentifierAlreadyExists":
                raise
            return False
        return True

    async def attach_files(self, dataset: RucioDid, files: Sequence[RucioDid]) -> None:
        """Those that belong to it already stay. By the dataset's own path one of them would refuse all."""
        for part in divide_items(files):
            attachment = {**dataset.item, "dids": [each.item for each in part]}
            body = {"ignore_duplicate": True, "attachments": [attachment]}
            await self.http.ask("POST", "/dids/attachments", json=body)

    async def read_replicas(self, files: Sequence[RucioDid]) -> dict[RucioDid, dict[str, Any]]:
        """What is known of files and their replicas, in any state; names that Rucio doesn't know are left out.

        Replicas are sorted at random: Rucio's own order asks for where each host is, on the internet.
        """
        rows = dict[RucioDid, dict[str, Any]]()
        for part in divide_items(files):
            body = {"dids": [each.item for each in part], "all_states": True, "sort": "random"}
            for row in await self.list_rows("POST", "/replicas/list", json=body):
                rows[RucioDid(row["scope"], row["name"])] = row
        return rows
