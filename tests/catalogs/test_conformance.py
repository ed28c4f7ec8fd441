"""What each catalog does alike: complete or nothing, unknown names, declared twice, another size, signed in anew."""

import socket
from contextlib import aclosing

import pytest

from catalogs import (
    CatalogFile,
    CatalogRefused,
    CatalogSignInRefused,
    CatalogUnavailable,
    CatalogUnreachable,
    ListingCatalog,
    ListingIncomplete,
    OutputDeclaration,
)
from tests.catalogs.conftest import CatalogBench

FILES = [CatalogFile(f"f{n:05}.root", n + 1, f"adler32:{n:08x}") for n in range(6000)]
"""More than are handed on at once."""
FEW = FILES[:3]
OUTPUT = OutputDeclaration(
    "made.root", 77, {"adler32": "0000abcd"}, "https://door.example.org/made.root", ["f00001.root"]
)


async def list_all(catalog: ListingCatalog, definition: str) -> list[CatalogFile]:
    async with aclosing(catalog.list_files(definition)) as batches:
        return [file async for batch in batches for file in batch]


async def test_a_listing_has_each_file_with_its_size(bench: CatalogBench) -> None:
    await bench.put_files(FILES)
    summary = await bench.catalog.describe(bench.definition)
    assert (summary.files, summary.is_closed) == (len(FILES), False)
    assert summary.bytes in (None, sum(file.size or 0 for file in FILES))
    found = await list_all(bench.catalog, bench.definition)
    assert {file.name: file.size for file in found} == {
        bench.name_file(file.name): file.size for file in FILES
    }
    assert len(found) == len(FILES)


async def test_a_listing_that_is_cut_raises(bench: CatalogBench) -> None:
    await bench.put_files(FILES)
    await bench.set_faults(cut_after=100_000)
    with pytest.raises(ListingIncomplete):
        await list_all(bench.catalog, bench.definition)
    await bench.set_faults()
    assert len(await list_all(bench.catalog, bench.definition)) == len(FILES)


async def test_what_passes_is_asked_again_and_what_does_not_pass_is_unavailable(
    bench: CatalogBench,
) -> None:
    await bench.put_files(FEW)
    await bench.set_faults(status=503, times=2)
    assert (await bench.catalog.describe(bench.definition)).files == len(FEW)
    await bench.set_faults(status=503)
    with pytest.raises(CatalogUnavailable):
        await list_all(bench.catalog, bench.definition)


async def test_a_definition_that_there_is_not_is_refused(bench: CatalogBench) -> None:
    with pytest.raises(CatalogRefused):
        await bench.catalog.describe(bench.missing)
    with pytest.raises(CatalogRefused):
        await list_all(bench.catalog, bench.missing)


async def test_unknown_names_are_missing_and_the_others_found(bench: CatalogBench) -> None:
    await bench.put_files(FEW)
    names = [bench.name_file(name) for name in (FEW[0].name, "nobody.root", FEW[1].name)]
    first, nobody, second = await bench.catalog.locate(names)
    assert nobody is None
    assert first
    assert second
    assert (first[0].is_on_disk, second[0].is_on_disk) == (True, True)


async def test_what_is_declared_twice_is_there_once(bench: CatalogBench) -> None:
    await bench.put_files(FEW)
    given = [name_output(bench, OUTPUT)]
    assert await bench.catalog.declare(given, None) == [None]
    assert await bench.catalog.declare(given, None) == [None]
    (places,) = await bench.catalog.locate([given[0].name])
    assert places is not None
    assert [place.url for place in places] == [OUTPUT.location]


async def test_a_name_that_stands_for_another_file_keeps_no_other_back(bench: CatalogBench) -> None:
    await bench.put_files(FEW)
    other = OutputDeclaration("f00002.root", 999, {}, "https://door.example.org/other.root")
    given = [name_output(bench, output) for output in (other, OUTPUT)]
    problem, none = await bench.catalog.declare(given, None)
    assert none is None
    assert problem is not None
    assert problem.needs_decision
    (places,) = await bench.catalog.locate([given[0].name])
    assert places is not None
    assert other.location not in [place.url for place in places]


async def test_who_is_no_more_known_signs_in_anew(bench: CatalogBench) -> None:
    await bench.put_files(FEW)
    assert (await bench.catalog.describe(bench.definition)).files == len(FEW)
    await bench.revoke_tokens()
    assert len(await list_all(bench.catalog, bench.definition)) == len(FEW)
    await bench.set_faults(status=401, text="")
    with pytest.raises(CatalogSignInRefused):
        await bench.catalog.describe(bench.definition)


async def test_an_address_that_swallows_everything_is_given_up_soon(bench: CatalogBench) -> None:
    with socket.socket() as hole, socket.socket() as first, socket.socket() as second:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(hole.getsockname())
        async with bench.open_at(f"http://127.0.0.1:{hole.getsockname()[1]}") as catalog:
            with pytest.raises(CatalogUnreachable):
                await catalog.describe(bench.definition)


def name_output(bench: CatalogBench, output: OutputDeclaration) -> OutputDeclaration:
    """An output as the catalog names it and its parents."""
    parents = [bench.name_file(name) for name in output.parents]
    name = bench.name_file(output.name)
    return OutputDeclaration(name, output.size, output.checksums, output.location, parents)
