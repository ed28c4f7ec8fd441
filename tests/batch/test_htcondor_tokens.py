"""As whom jobs are submitted: the service, or whose credential a launch has."""

from dataclasses import replace
from pathlib import Path

import pytest

from batch import BatchRefused
from domain.submissions.jobs import JobActionVerb, JobState
from tests.batch.batch_fixtures import CommittingFeed, HTCondorFixture
from tests.batch.pools import Pool

WRITES = 'echo x > "$POMS_JOB.out"'


@pytest.fixture
def bench(condor: HTCondorFixture) -> HTCondorFixture:
    return condor


async def test_a_launch_with_a_token_is_its_owners_and_still_in_our_hands(
    bench: HTCondorFixture, pool: Pool, service_home: Path
) -> None:
    feed = CommittingFeed(bench.system)
    token = pool.token(service_home / "tokens-dune", "dune") / "dune"
    ids = []
    for mark in ("theirs", "gone"):
        launch = replace(bench.launch(mark, WRITES), credential=token)
        ids.append(await bench.submit(launch))
    ours = await bench.submit(bench.launch("ours", WRITES))
    owners = pool.run("condor_q", "-all", *ids, ours, "-af", "Owner").stdout.split()
    assert owners == ["dune", "dune", "poms"]
    await bench.open(ids[0])
    await bench.act(JobActionVerb.REMOVE, ids[1], "not wanted")
    assert await feed.until_over(ids[0], [1]) == {1: JobState.SUCCEEDED}
    assert await feed.until_over(ids[1], [1]) == {1: JobState.REMOVED}


@pytest.mark.parametrize("text", ["", "no token", "eyJh.x.y", "e30.x.y", "-----BEGIN CERTIFICATE"])
async def test_what_is_no_token_refuses_the_launch_and_is_not_told(
    bench: HTCondorFixture, tmp_path: Path, text: str
) -> None:
    token = tmp_path / "token"
    token.write_text(text)
    with pytest.raises(BatchRefused) as refused:
        await bench.submit(replace(bench.launch("m1", WRITES), credential=token))
    assert not text or text not in str(refused.value)
