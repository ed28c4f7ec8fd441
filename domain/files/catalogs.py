"""Catalogs outside of ours: what may be recorded of them, and how datasets refer to what they have."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

from domain.addresses import check_address
from domain.findings import Finding
from domain.names import MOST_WORD, check_text

MOST_DEFINITION, MOST_URL = 20_000, 500


class CatalogKind(StrEnum):
    """What speaks at a catalog's address."""

    RUCIO = "rucio"
    METACAT = "metacat"
    SAM = "sam"


GIVES_NAMES = frozenset({CatalogKind.SAM})
"""Catalogs in which files together get a name, by which programs find them."""


class DatasetPolicy(StrEnum):
    """How often a dataset that refers to outside is listed."""

    ONCE = "once"
    """When it is made, and when somebody asks for it."""
    GROWING = "growing"
    """Again and again, so that files which come later are found."""


SETTINGS: Mapping[CatalogKind, frozenset[str]] = {
    CatalogKind.SAM: frozenset({"user", "group", "station"}),
    CatalogKind.RUCIO: frozenset({"account", "user"}),
    CatalogKind.METACAT: frozenset({"user", "sign_in_url"}),
}
"""What else may be said of a catalog of each kind; one that ends in `_url` is an address as the catalog's own."""


def parse_hosts(text: str) -> frozenset[str]:
    """The hosts, with their ports, that a deployment trusts: HOST:PORT, with commas."""
    return frozenset(host.strip().lower() for host in text.split(",") if host.strip())


def is_trusted(url: str, hosts: frozenset[str]) -> bool:
    """Whether a URL leads to one of these hosts, for which the deployment vouches."""
    return urlsplit(url).netloc.lower() in hosts


def check_catalog_url(url: str, hosts: frozenset[str]) -> str | None:
    """What is wrong with a catalog's address: it is https to another machine, or to a host that is trusted."""
    if len(url) > MOST_URL or check_text(url):
        return f"An address has at most {MOST_URL} characters."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "This is written like https://catalog.example.org:8443/path."
    if wrong := _check_url_form(parts):
        return wrong
    if is_trusted(url, hosts):
        return None
    if parts.scheme != "https":
        return "A catalog is asked by https; others only where a service admin trusts the host (POMS_CATALOG_HOSTS)."
    return check_address(f"{parts.hostname}:{port}" if port else str(parts.hostname))


def _check_url_form(parts: SplitResult) -> str | None:
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return "This is written like https://catalog.example.org:8443/path."
    if parts.username or parts.password or parts.query or parts.fragment:
        return (
            "An address has no user, password, query or fragment: who asks is said by a credential."
        )
    if any(character.isspace() for character in parts.geturl()):
        return "An address has no blanks."
    return None


def check_catalog_settings(
    kind: CatalogKind, settings: Mapping[str, str], hosts: frozenset[str]
) -> Iterator[Finding]:
    """All that is wrong with what else is said of a catalog."""
    if kind is CatalogKind.RUCIO and not settings.get("account"):
        yield Finding("settings.account", "Rucio is asked as one of its accounts: say which.")
    for name, value in settings.items():
        where = f"settings.{name[:100]}"
        if name not in SETTINGS[kind]:
            known = ", ".join(sorted(SETTINGS[kind]))
            yield Finding(where, f"Of a catalog of kind {kind} this may be said: {known}.")
        elif (
            said := check_catalog_url(value, hosts)
            if name.endswith("_url")
            else check_text(value, MOST_WORD)
        ):
            yield Finding(where, said)


def check_definition(definition: str) -> str | None:
    """What is wrong with what a dataset refers to; whether the catalog has it, its first listing tells."""
    if not definition.strip():
        return "Say what the dataset is in its catalog: a definition, a query, a DID."
    return check_text(definition, MOST_DEFINITION)
