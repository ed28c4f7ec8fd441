"""Issuers of tokens outside of POMS, as a deployment names them, and which roles their tokens stand for."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from domain.addresses import check_outside_url
from domain.names import SLUG, check_form
from domain.permissions import Role

SIGNATURES = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""By a key pair: whoever checks such a token can't make one. `none` and those by a shared secret are not here."""
MOST_SKEW_S = 300
OURS = "poms"
"""What local tokens name as their issuer."""
Claims = Mapping[str, Any]


class WrongIssuers(Exception):
    """The file of issuers can't be used; the text says where and why."""


@dataclass(frozen=True, slots=True)
class RoleMapping:
    """Whoever's tokens have this value in this claim has this role in this experiment."""

    claim: str
    value: str
    experiment: str
    role: Role

    def is_met(self, claims: Claims) -> bool:
        """Whether the claims have it: in a list, or among words with blanks between them."""
        said = claims.get(self.claim)
        values = said.split() if isinstance(said, str) else said
        return isinstance(values, list) and self.value in values


@dataclass(frozen=True, slots=True)
class Issuer:
    """Somebody outside whose tokens are good here."""

    name: str
    """What it is called here, in addresses and lists."""
    url: str
    """As its tokens name it (`iss`)."""
    title: str
    """What people call it."""
    audiences: tuple[str, ...]
    """Whom its tokens must be for; empty: it is for signing in with a browser alone."""
    algorithms: frozenset[str]
    keys_url: str
    """Where its keys are; empty: as its configuration says."""
    skew_s: int
    """How far its clock may be off."""
    username: str
    """The claim that has the user name."""
    adopts: bool
    """Whether its user names are ours: it may sign in as somebody who is here already."""
    client_id: str
    """As which we ask it to sign people in; empty: it isn't asked."""
    client_secret_file: str
    scopes: str
    """What is asked of it at a sign-in."""
    mappings: tuple[RoleMapping, ...]

    @property
    def experiments(self) -> frozenset[str]:
        """The names of the experiments for which its tokens stand for roles."""
        return frozenset(mapping.experiment for mapping in self.mappings)

    def find_roles(self, claims: Claims) -> dict[str, Role]:
        """Roles by names of experiments; of several of one experiment the first in the file counts."""
        met = [mapping for mapping in self.mappings if mapping.is_met(claims)]
        return {mapping.experiment: mapping.role for mapping in reversed(met)}

    def has_said(self, claims: Claims) -> frozenset[str]:
        """The experiments of whose roles these claims say something, if only that there is none."""
        return frozenset(each.experiment for each in self.mappings if each.claim in claims)


@dataclass(frozen=True, slots=True)
class IssuerFile:
    """All that a deployment says of signing in by others."""

    service_url: str
    """Where people find the service: to this address issuers send browsers back."""
    trusted_hosts: frozenset[str]
    """HOST:PORT for which the deployment vouches: any scheme, any address."""
    session_hours: int
    issuers: tuple[Issuer, ...]


NO_ISSUERS = IssuerFile("", frozenset(), 12, ())


def read_issuer_file(content: Mapping[str, Any]) -> IssuerFile:
    """Read what stands in the file; raises WrongIssuers."""
    table = _Table("", content)
    hosts = frozenset(host.lower() for host in table.take_texts("trusted_hosts"))
    tables = table.take_tables("issuer")
    issuers = tuple(_read_issuer(each, hosts) for each in tables)
    url = table.take("service_url", str, "").rstrip("/")
    read = IssuerFile(url, hosts, table.take("session_hours", int, 12), issuers)
    table.end()
    for what in ("name", "url"):
        if len({getattr(issuer, what) for issuer in issuers}) < len(issuers):
            raise WrongIssuers(f"Two issuers have the same {what}.")
    if any(issuer.client_id for issuer in issuers) and not url:
        raise WrongIssuers("Set service_url: issuers with a client_id send browsers back to it.")
    if not 0 < read.session_hours <= 24 * 7:
        raise WrongIssuers("session_hours is 1 to 168.")
    return read


def _read_issuer(table: "_Table", hosts: frozenset[str]) -> Issuer:
    issuer = Issuer(
        name=table.take("name", str),
        url=table.take("url", str),
        title=table.take("title", str, table.peek("name")),
        audiences=tuple(table.take_texts("audience")),
        algorithms=frozenset(table.take_texts("algorithms") or ("RS256", "ES256")),
        keys_url=table.take("keys_url", str, ""),
        skew_s=table.take("skew_s", int, 30),
        username=table.take("username", str, "preferred_username"),
        adopts=table.take("adopts", bool, default=False),
        client_id=table.take("client_id", str, ""),
        client_secret_file=table.take("client_secret_file", str, ""),
        scopes=table.take("scopes", str, "openid profile"),
        mappings=tuple(_read_mapping(each) for each in table.take_tables("role")),
    )
    table.end()
    for field, wrong in _check_issuer(issuer, hosts):
        if wrong:
            raise WrongIssuers(f"{table.place}{field}: {wrong}")
    return issuer


def _check_issuer(issuer: Issuer, hosts: frozenset[str]) -> Collection[tuple[str, str | None]]:
    odd = sorted(issuer.algorithms - SIGNATURES)
    is_signing_in = "openid" in issuer.scopes.split() or not issuer.client_id
    return (
        ("name", check_form(issuer.name, SLUG, "lab")),
        ("name", "This is what local tokens say." if OURS in (issuer.name, issuer.url) else None),
        ("url", check_outside_url(issuer.url, hosts)),
        ("keys_url", check_outside_url(issuer.keys_url, hosts) if issuer.keys_url else None),
        ("algorithms", f"{odd[0]!r} is none of {', '.join(sorted(SIGNATURES))}." if odd else None),
        ("skew_s", None if 0 <= issuer.skew_s <= MOST_SKEW_S else f"It is 0 to {MOST_SKEW_S}."),
        ("audience", None if issuer.audiences or issuer.client_id else "Name whom tokens are for."),
        # A token that tells us who signed in is none that says what somebody may do here.
        ("audience", "It is the client_id." if issuer.client_id in issuer.audiences else None),
        ("scopes", None if is_signing_in else "`openid` belongs to a sign-in."),
    )


def _read_mapping(table: "_Table") -> RoleMapping:
    role = table.take("role", str)
    if role not in set(Role):
        raise WrongIssuers(f"{table.place}role: {role!r} is none of {', '.join(Role)}.")
    mapping = RoleMapping(
        table.take("claim", str),
        table.take("value", str),
        table.take("experiment", str),
        Role(role),
    )
    table.end()
    if wrong := check_form(mapping.experiment, SLUG, "nova"):
        raise WrongIssuers(f"{table.place}experiment: {wrong}")
    return mapping


class _Table:
    """A table of the file, of which everything has to be read."""

    def __init__(self, place: str, content: Mapping[str, Any]) -> None:
        self.place, self._rest = place, dict(content)

    def take(self, key: str, kind: Callable[..., Any], default: Any = None) -> Any:
        """A value of this type; raises where there is none and no default."""
        value = self._rest.pop(key, default)
        if type(value) is not kind or (default is None and value == ""):
            words: Mapping[Any, str] = {str: "a text", int: "a whole number", bool: "true or false"}
            raise WrongIssuers(f"{self.place}{key} has to be {words[kind]}.")
        return value

    def peek(self, key: str) -> Any:
        return self._rest.get(key, "")

    def take_texts(self, key: str) -> list[str]:
        value = self._rest.pop(key, [])
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(type(each) is str and each for each in values):
            raise WrongIssuers(f"{self.place}{key} has to be a text or a list of texts.")
        return values

    def take_tables(self, key: str) -> "list[_Table]":
        values = self._rest.pop(key, [])
        if not isinstance(values, list) or not all(isinstance(each, dict) for each in values):
            raise WrongIssuers(f"{self.place}{key} has to be tables: [[{key}]].")
        return [_Table(f"{self.place}{key} {n}: ", each) for n, each in enumerate(values, 1)]

    def end(self) -> None:
        if self._rest:
            raise WrongIssuers(f"{self.place}there is no {sorted(self._rest)[0]!r}.")
