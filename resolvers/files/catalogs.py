"""Reading and recording catalogs outside of ours."""

from collections.abc import Sequence

import strawberry

from db.files import catalogs
from db.files.datasets import EMBEDDED_NAME
from db.setup import credentials
from domain.addresses import check_outside_url, is_trusted
from domain.files.catalogs import check_catalog_settings
from domain.names import check_name
from door.describe import declare_object_type
from door.pages import Connection as Page
from resolvers import tenants
from resolvers.lists import page_experiment_items
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nouns import CATALOG, find_seen
from schema.context import Info
from schema.fields import declare_query
from schema.files.catalogs import Catalog, SaveCatalogInput, SaveCatalogResult
from schema.lists import ListPart
from schema.problems import Invalid, NotFound, NotPermitted


@declare_object_type
class CatalogQueries:
    """Reading catalogs."""

    @declare_query()
    async def catalogs(
        self,
        info: Info,
        experiment: str,
        name_contains: str | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Page[Catalog]:
        """The catalogs outside of ours to which an experiment's datasets may refer, by name."""
        part, wanted = ListPart(first, after, last, before), (experiment, name_contains)
        return await page_experiment_items(info, wanted, part, catalogs.page, Catalog.of)

    @declare_query()
    async def catalog(self, info: Info, id: strawberry.ID) -> Catalog | None:
        """One catalog outside of ours, with how it is."""
        row = await find_seen(info, CATALOG, id)
        return None if row is None else Catalog.of(row, info)


@declare_object_type
class CatalogMutations:
    """Recording catalogs."""

    @declare_mutation("manage_members")
    async def save_catalog(self, info: Info, input: SaveCatalogInput) -> SaveCatalogResult:  # noqa: A002
        """Record a catalog, or record it anew. The experiment's superusers may.

        With a credential it is sent what the credential holds: so only to hosts that the deployment trusts, or by
        service admins.
        """
        experiment = await tenants.find_experiment(info, input.experiment, "manage_members", "of")
        if isinstance(experiment, NotFound | NotPermitted):
            return experiment
        if invalid := _check_catalog_input(info, input):
            return invalid
        credential_id = await _find_credential(info, experiment.id, input)
        if isinstance(credential_id, Invalid | NotPermitted):
            return credential_id
        definition, person_id = input.build_definition(credential_id), info.context.viewer.person_id
        row = await catalogs.save_catalog(
            await begin_change(), experiment.id, definition, person_id
        )
        if row is None:
            text = f"There is a catalog {input.name!r} of another kind: give this one another name."
            return Invalid(message=text, field="kind")
        return Catalog.of(row, info)


def _list_urls(input: SaveCatalogInput) -> Sequence[str]:  # noqa: A002
    return [input.url, *(each.value for each in input.settings if each.name.endswith("_url"))]


async def _find_credential(
    info: Info,
    experiment_id: int,
    input: SaveCatalogInput,  # noqa: A002
) -> int | Invalid | NotPermitted | None:
    if input.credential is None:
        return None
    wrong = check_name(input.credential)
    row = (
        None if wrong else await credentials.find(info.context.db, experiment_id, input.credential)
    )
    if row is None:
        text = f"The experiment has no credential {input.credential[:100]!r}."
        return Invalid(message=text, field="credential")
    trusted = info.context.app_state.catalog_hosts
    is_safe = all(is_trusted(url, trusted) for url in _list_urls(input))
    if not is_safe and not info.context.allows("admin", None):
        what = "a catalog that is shown a credential, where the host is none of POMS_CATALOG_HOSTS"
        return tenants.report_not_permitted("save", what)
    return row.id


def _check_catalog_input(info: Info, input: SaveCatalogInput) -> Invalid | None:  # noqa: A002
    said = check_name(input.name)
    if input.name == EMBEDDED_NAME:
        said = "The embedded catalog is there already, and has this name."
    if said:
        return Invalid(message=said, field="name")
    trusted = info.context.app_state.catalog_hosts
    if said := check_outside_url(input.url, trusted):
        return Invalid(message=said, field="url")
    settings = {setting.name: setting.value for setting in input.settings}
    found = next(check_catalog_settings(input.kind, settings, trusted), None)
    return Invalid(message=found.message, field=found.path) if found else None
