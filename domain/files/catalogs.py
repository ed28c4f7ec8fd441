"""Catalogs outside of ours: what may be recorded of them, and how datasets refer to what they have."""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from domain.addresses import check_outside_url
from domain.findings import Finding
from domain.names import MOST_WORD, check_text

MOST_DEFINITION = 20_000


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


STAGING_SCOPE = "staging_scope"
"""The setting by which a catalog brings files to disk before they are worked on: where it makes what that needs."""
SETTINGS: Mapping[CatalogKind, frozenset[str]] = {
    CatalogKind.SAM: frozenset({"user", "group", "station"}),
    CatalogKind.RUCIO: frozenset({"account", "user", STAGING_SCOPE, "staging_disk"}),
    CatalogKind.METACAT: frozenset({"user", "sign_in_url"}),
}
"""What else may be said of a catalog of each kind; one that ends in `_url` is an address as the catalog's own."""


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
            said := check_outside_url(value, hosts)
            if name.endswith("_url")
            else check_text(value, MOST_WORD)
        ):
            yield Finding(where, said)


def check_definition(definition: str) -> str | None:
    """What is wrong with what a dataset refers to; whether the catalog has it, its first listing tells."""
    if not definition.strip():
        return "Say what the dataset is in its catalog: a definition, a query, a DID."
    return check_text(definition, MOST_DEFINITION)
