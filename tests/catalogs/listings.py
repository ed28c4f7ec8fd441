"""What tests of every catalog ask of it."""

from collections.abc import Sequence
from contextlib import aclosing

from catalogs import CatalogFile, ListingCatalog


async def list_all_files(
    catalog: ListingCatalog, definition: str, keys: Sequence[str] = ()
) -> dict[str, CatalogFile]:
    """Each file once, by its name."""
    files = list[CatalogFile]()
    async with aclosing(catalog.list_files(definition, keys)) as parts:
        async for part in parts:
            files += part
    by_name = {file.name: file for file in files}
    assert len(by_name) == len(files)
    return by_name
