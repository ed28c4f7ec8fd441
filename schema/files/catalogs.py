"""Catalogs outside of ours, as a client sees them."""

from datetime import datetime
from typing import Annotated

import strawberry

from db.files import catalogs
from db.files.catalogs import CatalogDefinition
from domain.files.catalogs import CatalogKind
from door.describe import declare_enum_type, declare_input_type, declare_object_type
from door.pages import Node
from schema.context import Info
from schema.fields import declare_query
from schema.ids import node_id
from schema.people.experiments import Experiment, load_experiment
from schema.problems import Invalid, MutationProblem
from schema.setup.credentials import Credential

declare_enum_type(CatalogKind)


@declare_object_type
class CatalogSetting:
    """What else is said of a catalog."""

    name: str
    """Which setting: of SAM `user`, `group` and `station`."""
    value: str
    """What it is set to."""


@declare_object_type
class Catalog(Node):
    """A catalog outside of ours, to which datasets of an experiment may refer."""

    name: str
    """Unique in the experiment; it never changes."""
    kind: CatalogKind
    """What it is."""
    url: str
    """Where it is asked."""
    settings: list[CatalogSetting]
    """What else is said of it, by name."""
    answered_at: datetime | None
    """When it last did what it was asked; null: never yet."""
    troubled_since: datetime | None
    """Since when it does not; null: it does. What was known before stays as it was."""
    trouble: str
    """Why not, in its own words or ours."""
    created_at: datetime
    """When it was first recorded."""
    may_change: bool
    """Whether you may record it anew."""
    catalog_id: strawberry.Private[int]
    experiment_id: strawberry.Private[int]
    credential_id: strawberry.Private[int | None]

    @classmethod
    def of(cls, row: catalogs.Catalog, info: Info) -> "Catalog":
        """Show a row."""
        settings = sorted(row.settings.items())
        return cls(
            id=node_id("catalog", row.id),
            name=row.name,
            kind=row.kind,
            url=row.url,
            settings=[CatalogSetting(name=name, value=value) for name, value in settings],
            answered_at=row.answered_at,
            troubled_since=row.troubled_since,
            trouble=row.trouble,
            created_at=row.created_at,
            may_change=info.context.allows("manage_members", row.experiment_id),
            catalog_id=row.id,
            experiment_id=row.experiment_id,
            credential_id=row.credential_id,
        )

    @declare_query()
    async def experiment(self, info: Info) -> Experiment:
        """Whose it is."""
        return await load_experiment(info, self.experiment_id)

    @declare_query()
    async def credential(self, info: Info) -> Credential | None:
        """With what it is asked; null: as nobody."""
        if self.credential_id is None:
            return None
        row = await info.context.load.credential.load(self.credential_id)
        return None if row is None else Credential.of(row, info)


@declare_input_type
class CatalogSettingInput:
    """What else is said of a catalog."""

    name: str
    """Which setting: of SAM `user`, `group` and `station`."""
    value: str
    """What it is set to."""


@declare_input_type
class SaveCatalogInput:
    """A catalog as it shall be from now on."""

    experiment: str
    """The experiment's name."""
    name: str
    """Unique in the experiment, up to 100 characters; one that is there is recorded anew."""
    kind: CatalogKind
    """What it is; it can't become something else."""
    url: str
    """Where it is asked: of SAM `https://samweb.example.org:8483/sam/EXPERIMENT/api`."""
    settings: list[CatalogSettingInput] = strawberry.field(default_factory=list)
    """What else is said of it."""
    credential: str | None = None
    """The name of a credential of the experiment with which it is asked; null: as nobody."""

    def build_definition(self, credential_id: int | None) -> CatalogDefinition:
        """As it is kept."""
        settings = {setting.name: setting.value for setting in self.settings}
        return CatalogDefinition(
            self.name, self.kind, self.url.rstrip("/"), settings, credential_id
        )


SaveCatalogResult = Annotated[
    Catalog | MutationProblem | Invalid, strawberry.union("SaveCatalogResult")
]
