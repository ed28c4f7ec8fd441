"""One bench for each batch system that is tested."""

import itertools
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from batch.htcondor import Access
from db.pool import Pool as Database
from tests.batch.benches import Bench, Feed, HTCondorBench, LocalBench, QueryBench
from tests.batch.engines import Engine, on_far_htcondor, on_htcondor, on_slurm
from tests.batch.pools import CONDOR, Pool
from tests.batch.shared import Shared
from tests.batch.slurm_bench import SlurmBench
from tests.batch.slurm_pool import SLURM, SlurmPool
from up import children, home

_serial = itertools.count()


def missing(what: str) -> None:
    """Skip for want of a pool; where `POMS_POOLS` is `required`, fail."""
    if os.environ.get("POMS_POOLS") == "required":
        pytest.fail(what)
    pytest.skip(what)


def reachable(programs: Path) -> None:
    """What a pool needs to be started as its user."""
    if not programs.exists():
        missing(f"nothing in .pools/{programs.name}: run `make pools`")
    run_as = children.account()
    if run_as and home.barrier(programs.resolve(), run_as):
        missing("the checkout is where only root can enter, and pools do not run as root")


@pytest.fixture(scope="session")
def pool(service_home: Path) -> Iterator[Pool]:
    """A real HTCondor pool, where `make pools` has fetched one."""
    reachable(CONDOR)
    if find_spec("htcondor2") is None:
        missing("no HTCondor bindings: run `make pools`")
    made = Pool.start(service_home / "condor")
    yield made
    made.stop()


@pytest.fixture(scope="session")
def access(pool: Pool, service_home: Path) -> Access:
    """The pool, for a person who has a token."""
    tokens = pool.token(service_home / "tokens")
    return Access(pool.address, tokens=tokens, file_system="pool.test", most_idle=50, call_s=20)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalBench]:
    made = LocalBench(tmp_path)
    yield made
    made.end()


@pytest.fixture
def far_spool(service_home: Path) -> Path:
    """A spool that is its pool's own user's, too."""
    spool = service_home / f"spool{next(_serial)}"
    spool.mkdir()
    home.give(spool, children.account())
    return spool


@pytest.fixture
def condor(pool: Pool, access: Access, far_spool: Path) -> Iterator[HTCondorBench]:
    made = HTCondorBench(far_spool, pool, access)
    yield made
    made.end()


@pytest.fixture
def condor_query(pool: Pool, access: Access, far_spool: Path) -> Iterator[QueryBench]:
    made = QueryBench(far_spool, pool, access)
    yield made
    made.end()


@pytest.fixture(scope="session")
def slurm_pool(service_home: Path) -> Iterator[SlurmPool]:
    """A real Slurm, where `make pools` has fetched one."""
    reachable(SLURM)
    made = SlurmPool.start(service_home / "slurm", children.account())
    yield made
    made.stop()


@pytest.fixture
def slurm(slurm_pool: SlurmPool, far_spool: Path) -> Iterator[SlurmBench]:
    made = SlurmBench(far_spool, slurm_pool)
    yield made
    made.end()


@pytest.fixture(params=["local", "condor", "condor_query", "slurm"])
def bench(request: pytest.FixtureRequest) -> Bench:
    made: Bench = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def feed(bench: Bench) -> Feed:
    return Feed(bench.system)


@pytest.fixture
def local_engine() -> Engine:
    return Engine("local", {}, "", lambda: None)


@pytest.fixture
def htcondor(pool: Pool, access: Access) -> Engine:
    return on_htcondor(pool, access)


@pytest.fixture
def far_htcondor(pool: Pool, access: Access) -> Engine:
    return on_far_htcondor(pool, access)


@pytest.fixture
def slurm_engine(slurm_pool: SlurmPool) -> Engine:
    return on_slurm(slurm_pool)


@pytest.fixture(params=["htcondor", "far_htcondor", "slurm_engine"])
def engine(request: pytest.FixtureRequest) -> Engine:
    made: Engine = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def house(
    db: Database, database_url: str, redis_url: str, service_home: Path, engine: Engine
) -> Iterator[Shared]:
    folder = service_home / f"house{next(_serial)}"
    (folder / "store").mkdir(parents=True)
    (folder / "store").chmod(0o777)
    made = Shared(db, database_url, redis_url, folder, settings=engine.settings)
    yield made
    made.stop()
    engine.empty()
