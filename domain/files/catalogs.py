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
OUTPUTS_SCOPE, OUTPUTS_STORAGE = "outputs_scope", "outputs_storage"
"""The settings by which a catalog is told of outputs: in which scope (of MetaCat: namespace), and where they lie."""
OUTPUTS_FOLDER, OUTPUTS_PREFIX = "outputs_folder", "outputs_prefix"
"""What of a path doesn't belong to its URL in the catalog, and what stands there instead."""
SETTINGS: Mapping[CatalogKind, frozenset[str]] = {
    CatalogKind.SAM: frozenset({"user", "group", "station"}),
    CatalogKind.RUCIO: frozenset(
        {
            "account",
            "user",
            STAGING_SCOPE,
            "staging_disk",
            OUTPUTS_SCOPE,
            OUTPUTS_STORAGE,
            OUTPUTS_FOLDER,
            OUTPUTS_PREFIX,
        }
    ),
    CatalogKind.METACAT: frozenset({"user", "sign_in_url", OUTPUTS_SCOPE}),
}
"""What else may be said of a catalog of each kind; one that ends in `_url` is an address as the catalog's own."""


def check_catalog_settings(
    kind: CatalogKind, settings: Mapping[str, str], hosts: frozenset[str]
) -> Iterator[Finding]:
    """All that is wrong with what else is said of a catalog."""
    if kind is CatalogKind.RUCIO and not settings.get("account"):
        yield Finding("settings.account", "Rucio is asked as one of its accounts: say which.")
    if kind is CatalogKind.RUCIO and OUTPUTS_SCOPE in settings and OUTPUTS_STORAGE not in settings:
        where = f"settings.{OUTPUTS_STORAGE}"
        yield Finding(where, "Say on which storage (RSE) the outputs lie.")
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


def name_output(scope: str, name: str) -> str:
    """What a catalog calls a file of ours; one that was another catalog's has its scope already."""
    return name if ":" in name else f"{scope}:{name}"


def name_outputs_dataset(scope: str, submission_id: int) -> str:
    """The dataset, in a catalog, of what a submission and its recoveries make."""
    return f"{scope}:poms_outputs_{submission_id}"


def render_output_url(settings: Mapping[str, str], path: str) -> str:
    """Where a file of ours lies, as a catalog says it."""
    return settings.get(OUTPUTS_PREFIX, "") + path.removeprefix(settings.get(OUTPUTS_FOLDER, ""))


def make_category_metadata(metadata: Mapping[str, object]) -> dict[str, object]:
    """As MetaCat takes metadata, each in a category: what has none is in ours."""
    return {key if "." in key else f"poms.{key}": value for key, value in metadata.items()}


def check_definition(definition: str) -> str | None:
    """What is wrong with what a dataset refers to; whether the catalog has it, its first listing tells."""
    if not definition.strip():
        return "Say what the dataset is in its catalog: a definition, a query, a DID."
    return check_text(definition, MOST_DEFINITION)
