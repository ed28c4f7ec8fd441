"""One bench for each batch system that is tested."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch.htcondor import Access
from tests.batch.benches import Bench, Feed, HTCondorBench, LocalBench
from tests.batch.pools import CONDOR, Pool
from up import children, home

_serial = itertools.count()


@pytest.fixture(scope="session")
def pool(service_home: Path) -> Iterator[Pool]:
    """A real HTCondor pool, where `make pools` has fetched one."""
    if not CONDOR.exists():
        pytest.skip("no HTCondor in .pools/condor: run `make pools`")
    pytest.importorskip("htcondor2", reason="no HTCondor bindings: run `make pools`")
    run_as = children.account()
    if run_as and home.barrier(CONDOR, run_as):
        pytest.skip("the checkout is where only root can enter, and HTCondor does not run as root")
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
def condor(pool: Pool, access: Access, service_home: Path) -> Iterator[HTCondorBench]:
    spool = service_home / f"spool{next(_serial)}"
    spool.mkdir()
    home.give(spool, children.account())
    made = HTCondorBench(spool, pool, access)
    yield made
    made.end()


@pytest.fixture(params=["local", "condor"])
def bench(request: pytest.FixtureRequest) -> Bench:
    made: Bench = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def feed(bench: Bench) -> Feed:
    return Feed(bench.system)
