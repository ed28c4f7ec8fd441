"""A dataset of 100,000 files listed from a real Rucio and from MetaCat's engine, by us and by their makers' clients."""

import resource
import time
from contextlib import aclosing

from bench.machines import BenchMachines
from bench.ratios import RatioLine
from catalogs import ListingCatalog
from catalogs.rucio.server import RucioDid
from tests.catalogs import test_metacat, test_rucio
from tests.catalogs.catalog_servers import (
    VENVS,
    CatalogServer,
    execute_statement,
    name_database,
    run_catalog,
)
from tests.catalogs.opened_catalogs import open_metacat, open_rucio
from up.faults import SetupError

FILES, ROUNDS, AIM = 100_000, 3, 0.8
LONGEST_S, MOST_MB = 20, 200
# By their APIs it would take minutes.
FILL_RUCIO = f"""
    INSERT INTO rucio.dids (scope, name, account, did_type, monotonic, hidden, obsolete, suppressed, purge_replicas,
                            transient, is_new, availability, bytes, adler32, events)
    SELECT 'dune', 'file_' || n, 'root', 'F', false, false, false, false, false, false, false, 'A', 1000, '0a0b0c0d', 7
      FROM generate_series(1, {FILES}) n;
    INSERT INTO rucio.contents (scope, name, child_scope, child_name, did_type, child_type, bytes, adler32, events,
                                rule_evaluation)
    SELECT 'dune', 'many', scope, name, 'D', 'F', bytes, adler32, events, false FROM rucio.dids WHERE did_type = 'F';
    ANALYZE rucio.dids, rucio.contents;
"""
FILL_METACAT = f"""
    INSERT INTO files (id, namespace, name, size, checksums, creator)
    SELECT 'f' || n, 'dune', 'file_' || n, 1000, '{{"adler32": "0a0b0c0d"}}', 'poms' FROM generate_series(1, {FILES}) n;
    INSERT INTO files_datasets (file_id, dataset_namespace, dataset_name) SELECT id, 'dune', 'many' FROM files;
    ANALYZE files, files_datasets;
"""
TIMED = """
import time
began = time.monotonic()
count = sum(1 for _ in %s)
print(json.dumps([count, time.monotonic() - began]))
"""
ASK_RUCIO = test_rucio.OFFICIAL + TIMED % "client.list_files('dune', 'many')"
ASK_METACAT = test_metacat.OFFICIAL + TIMED % "client.query('files from dune:many')"


async def run_benchmark(found: BenchMachines) -> list[RatioLine]:
    """Files a second; ours counts them before and after, too, and keeps 1,000 at a time."""
    for name in ("rucio", "metacat"):
        if not (VENVS / name / "installed").exists():
            raise SetupError(f"There is no {name} here: run `make catalogs`.")
    return [await compare_rucio(found), await compare_metacat(found)]


async def compare_rucio(found: BenchMachines) -> RatioLine:
    url = await create_database(found, "bench_rucio")
    with run_catalog("rucio", found.folder / "rucio", url) as server:
        async with open_rucio(server) as catalog:
            await catalog.http.ask("POST", "/accounts/root/scopes/dune")
            await catalog.make_dataset(RucioDid("dune", "many"))
            await execute_statement(url, FILL_RUCIO)
            return await compare_listings("rucio", catalog, server, ASK_RUCIO)


async def compare_metacat(found: BenchMachines) -> RatioLine:
    url = await create_database(found, "bench_metacat")
    with run_catalog("metacat", found.folder / "metacat", url) as server:
        async with open_metacat(server) as catalog:
            await catalog.http.ask(
                "POST", "/create_dataset", json={"namespace": "dune", "name": "many"}
            )
            await execute_statement(url, FILL_METACAT)
            return await compare_listings("metacat", catalog, server, ASK_METACAT)


async def create_database(found: BenchMachines, name: str) -> str:
    admin = found.cluster.dsn("postgres")
    await execute_statement(admin, f"CREATE DATABASE {name}")
    # Rucio reads percent signs of its configuration as something else.
    return name_database(admin, name).replace("%2F", "/")


async def compare_listings(
    name: str, catalog: ListingCatalog, server: CatalogServer, words: str
) -> RatioLine:
    """In turns, in the same run; what our process takes at most is told beside."""
    ours, peer = list[float](), list[float]()
    for _ in range(ROUNDS):
        ours.append(FILES / await measure_listing(catalog))
        count, seconds = server.ask_official_client(
            words, RUCIO_HOME=str(server.folder), URL=server.url
        )
        assert count == FILES
        peer.append(FILES / seconds)
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if most_mb > MOST_MB or FILES / min(ours) > LONGEST_S:
        raise SetupError(f"{name}: {most_mb:.0f} MB, {FILES / min(ours):.1f} s at most: too much.")
    note = f"slowest {FILES / min(ours):.1f} s, our process {most_mb:.0f} MB at most"
    return RatioLine(f"list {FILES:,} files of {name}", ours, peer, "files/s", AIM, note)


async def measure_listing(catalog: ListingCatalog) -> float:
    began, count = time.monotonic(), 0
    async with aclosing(catalog.list_files("dune:many")) as parts:
        async for part in parts:
            count += len(part)
    assert count == FILES
    return time.monotonic() - began
