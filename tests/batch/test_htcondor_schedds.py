"""Two access points of one pool: each a batch system of its own."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from batch import MarkAbsent, MarkFound, MarkUnknown
from batch.htcondor import HTCondor, HTCondorAccess
from domain.submissions.jobs import JobState
from tests.batch.batch_fixtures import CommittingFeed, HTCondorFixture
from tests.batch.pools import SECOND, Pool
from tests.conftest import wait_until

WRITES = 'echo x > "$POMS_JOB.out"'


@pytest.fixture
def two(pool: Pool, service_home: Path) -> Iterator[tuple[Pool, HTCondorAccess]]:
    """A pool with a second schedd; `pool` has seen to it that there can be one."""
    made = Pool.start(service_home / "condor2", more=SECOND)
    yield made, HTCondorAccess(made.address, tokens=made.token(service_home / "tokens2"), call_s=20)
    made.stop()


def list_schedds(pool: Pool) -> list[str]:
    return sorted(pool.run("condor_status", "-schedd", "-af", "Name").stdout.split())


async def test_each_schedd_has_its_own_clusters_and_tells_only_of_them(
    two: tuple[Pool, HTCondorAccess], service_home: Path
) -> None:
    pool, access = two
    wait_until(lambda: len(list_schedds(pool)) == 2, what="both schedds")
    spool = service_home / "spool-of-two"
    spool.mkdir()
    benches = []
    for n, schedd in enumerate(list_schedds(pool)):
        bench = HTCondorFixture(
            spool, pool, replace(access, schedd=schedd, file_system="pool.test")
        )
        bench.condor.close()
        bench.system = bench.condor = HTCondor(bench.access, spool, f"ap{n}")
        benches.append(bench)
    launches = [bench.launch(f"m{n}", WRITES) for n, bench in enumerate(benches)]
    ids = [await b.submit(one) for b, one in zip(benches, launches, strict=True)]
    for n, bench in enumerate(benches):
        assert await bench.system.find(launches[n].mark) == MarkFound([ids[n]])
        assert isinstance(await bench.system.find(launches[1 - n].mark), MarkAbsent)
        await bench.open(ids[n])
        feed = CommittingFeed(bench.system)
        assert await feed.until_over(ids[n], [1]) == {1: JobState.SUCCEEDED}
        assert len(feed.events) == 3
        # One of the two has a clock of its own, by which it is hours later.
        ended = datetime.now(UTC) - feed.events[-1].at
        assert timedelta(0) <= ended + timedelta(seconds=1) < timedelta(minutes=5)
        bench.condor.close()
    unnamed = HTCondor(access, spool, "which")
    sighting = await unnamed.find("m0")
    assert isinstance(sighting, MarkUnknown)
    assert "2 schedds: name one" in sighting.why
    unnamed.close()
