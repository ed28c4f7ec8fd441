"""Launches in the catalogs that have their files, as a client sees them."""

from datetime import datetime

import strawberry

from db.launching import catalog_launches
from domain.launching.catalog_launches import CatalogLaunchState
from door.describe import declare_enum_type, declare_object_type
from schema.context import Info
from schema.fields import declare_query
from schema.files.catalogs import Catalog

declare_enum_type(CatalogLaunchState)


@declare_object_type
class CatalogLaunch:
    """A launch in the catalog that has its files."""

    name: str
    """By which its files are found there, as `%(dataset)s` says it: of SAM a definition."""
    project: str | None
    """Which hands its files out to jobs; null: none was asked for."""
    state: CatalogLaunchState
    """How far it is there."""
    trouble: str
    """Why the catalog does not do what it was asked, if so; it is asked again."""
    staging: str | None
    """The mark by which its files are brought to disk before it begins; null: they aren't."""
    waiting: int
    """Files that the project has not handed out; of staging, those that are still coming."""
    delivered: int
    """Files that it has handed out, of which nothing was said since; of staging, those on disk."""
    consumed: int
    """Files that jobs have done."""
    failed: int
    """Files that jobs could not do, or skipped; of staging, those that are stuck."""
    read_at: datetime | None
    """When the project, or how far staging is, was last asked; null: never yet."""
    concluded_at: datetime | None
    """When it was asked for all, after the jobs' end; null: not yet."""
    catalog_id: strawberry.Private[int]

    @declare_query()
    async def catalog(self, info: Info) -> Catalog:
        """Which catalog."""
        row = await info.context.load.catalog.load(self.catalog_id)
        assert row is not None  # noqa: S101 - a foreign key says so
        return Catalog.of(row, info)

    @classmethod
    def of(cls, row: catalog_launches.CatalogLaunch) -> "CatalogLaunch":
        """Show a row."""
        shown = {name: getattr(row, name) for name in cls.__annotations__}
        return cls(**shown | {"project": row.project or None, "staging": row.staging or None})


async def find_catalog_launch(info: Info, submission_id: int) -> CatalogLaunch | None:
    """How the catalog knows a submission."""
    rows = await info.context.load.catalog_launch_of.load(submission_id)
    return CatalogLaunch.of(rows[0]) if rows else None
