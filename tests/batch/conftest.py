"""One bench for each batch system that is tested."""

import itertools
import os
import socket
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from batch.htcondor import HTCondorAccess
from db.pool import Pool as Database
from tests.batch.accounting_pool import ACCOUNTING, AccountedPool, EnforcedPool
from tests.batch.batch_fixtures import (
    BatchFixture,
    CommittingFeed,
    HTCondorFixture,
    LocalFixture,
    QueryFixture,
)
from tests.batch.engines import (
    Engine,
    make_far_htcondor_engine,
    make_htcondor_engine,
    make_slurm_engine,
)
from tests.batch.pools import CONDOR, Pool
from tests.batch.shared_house import SharedHouse
from tests.batch.slurm_fixture import SlurmFixture
from tests.batch.slurm_pool import SLURM, SlurmPool
from up import children, home

_serial = itertools.count()


def skip_without(what: str) -> None:
    """Skip for want of a pool; where `POMS_POOLS` is `required`, fail."""
    if os.environ.get("POMS_POOLS") == "required":
        pytest.fail(what)
    pytest.skip(what)


def check_reachable(programs: Path) -> None:
    """What a pool needs to be started as its user."""
    if not programs.exists():
        skip_without(f"nothing in .pools/{programs.name}: run `make pools`")
    run_as = children.find_run_account()
    if run_as and home.find_barrier(programs.resolve(), run_as):
        skip_without("the checkout is where only root can enter, and pools do not run as root")


@pytest.fixture(scope="package")
def pool(service_home: Path) -> Iterator[Pool]:
    """A real HTCondor pool, where `make pools` has fetched one."""
    check_reachable(CONDOR)
    if find_spec("htcondor2") is None:
        skip_without("no HTCondor bindings: run `make pools`")
    made = Pool.start(service_home / "condor")
    yield made
    made.stop()


@pytest.fixture(scope="package")
def access(pool: Pool, service_home: Path) -> HTCondorAccess:
    """The pool, for a person who has a token."""
    tokens = pool.token(service_home / "tokens")
    return HTCondorAccess(
        pool.address, tokens=tokens, file_system="pool.test", most_idle=50, call_s=20
    )


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalFixture]:
    made = LocalFixture(tmp_path)
    yield made
    made.end()


@pytest.fixture
def far_spool(service_home: Path) -> Path:
    """A spool that is its pool's own user's, too."""
    spool = service_home / f"spool{next(_serial)}"
    spool.mkdir()
    home.give_ownership(spool, children.find_run_account())
    return spool


@pytest.fixture
def condor(pool: Pool, access: HTCondorAccess, far_spool: Path) -> Iterator[HTCondorFixture]:
    made = HTCondorFixture(far_spool, pool, access)
    yield made
    made.end()


@pytest.fixture
def condor_query(pool: Pool, access: HTCondorAccess, far_spool: Path) -> Iterator[QueryFixture]:
    made = QueryFixture(far_spool, pool, access)
    yield made
    made.end()


@pytest.fixture(scope="package")
def slurm_pool(service_home: Path) -> Iterator[SlurmPool]:
    """A real Slurm, where `make pools` has fetched one."""
    check_reachable(SLURM)
    made = SlurmPool.start(service_home / "slurm", children.find_run_account())
    yield made
    made.stop()


def require_accounting() -> None:
    """What a cluster with accounting needs besides."""
    check_reachable(SLURM)
    if not ACCOUNTING.exists():
        pytest.skip("nothing in .pools/accounting: run `make pools-accounting`")
    run_as = children.find_run_account()
    if run_as and home.find_barrier(ACCOUNTING.resolve(), run_as):
        pytest.skip("the checkout is where only root can enter, and pools do not run as root")
    # Told to listen where its machine's name is, slurmdbd listens there alone, and else everywhere.
    if not socket.gethostbyname(socket.gethostname()).startswith("127."):
        pytest.skip(
            "this machine's name is not on loopback, so that slurmdbd would be reachable from outside: "
            "give it a 127.0.0.x line in /etc/hosts"
        )


@pytest.fixture(scope="module")
def accounted(service_home: Path) -> Iterator[AccountedPool]:
    require_accounting()
    made = AccountedPool.start(
        service_home / "slurm-accounted", children.find_run_account(), min_job_age=2, jobcomp="none"
    )
    yield made
    made.stop()


@pytest.fixture(scope="module")
def enforced(service_home: Path) -> Iterator[EnforcedPool]:
    """A cluster on which only those submit whom accounting knows, with accounts and QOS of theirs."""
    require_accounting()
    made = EnforcedPool.start(
        service_home / "slurm-enforced", children.find_run_account(), jobcomp="none"
    )
    yield made
    made.stop()


@pytest.fixture
def slurm(slurm_pool: SlurmPool, far_spool: Path) -> Iterator[SlurmFixture]:
    made = SlurmFixture(far_spool, slurm_pool)
    yield made
    made.end()


@pytest.fixture(params=["local", "condor", "condor_query", "slurm"])
def bench(request: pytest.FixtureRequest) -> BatchFixture:
    made: BatchFixture = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def feed(bench: BatchFixture) -> CommittingFeed:
    return CommittingFeed(bench.system)


@pytest.fixture
def local_engine() -> Engine:
    return Engine("local", {}, "", lambda: None)


@pytest.fixture
def htcondor(pool: Pool, access: HTCondorAccess) -> Engine:
    return make_htcondor_engine(pool, access)


@pytest.fixture
def far_htcondor(pool: Pool, access: HTCondorAccess) -> Engine:
    return make_far_htcondor_engine(pool, access)


@pytest.fixture
def slurm_engine(slurm_pool: SlurmPool) -> Engine:
    return make_slurm_engine(slurm_pool)


@pytest.fixture
def enforced_engine(enforced: EnforcedPool) -> Engine:
    return make_slurm_engine(enforced)


@pytest.fixture(params=["htcondor", "far_htcondor", "slurm_engine"])
def engine(request: pytest.FixtureRequest) -> Engine:
    made: Engine = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def house(
    db: Database, database_url: str, redis_url: str, service_home: Path, engine: Engine
) -> Iterator[SharedHouse]:
    folder = service_home / f"house{next(_serial)}"
    (folder / "store").mkdir(parents=True)
    (folder / "store").chmod(0o777)
    made = SharedHouse(db, database_url, redis_url, folder, settings=engine.settings)
    yield made
    made.stop()
    engine.empty()
