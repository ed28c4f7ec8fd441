"""As whom jobs are submitted: the service, or whose credential a launch has."""

from dataclasses import replace
from pathlib import Path

import pytest

from batch import BatchRefused
from domain.jobs import JobState, Verb
from tests.batch.benches import Feed, HTCondorBench
from tests.batch.pools import Pool

WRITES = 'echo x > "$POMS_JOB.out"'


@pytest.fixture
def bench(condor: HTCondorBench) -> HTCondorBench:
    return condor


async def test_a_launch_with_a_token_is_its_owners_and_still_in_our_hands(
    bench: HTCondorBench, pool: Pool, service_home: Path
) -> None:
    feed = Feed(bench.system)
    token = pool.token(service_home / "tokens-dune", "dune") / "dune"
    ids = []
    for mark in ("theirs", "gone"):
        launch = replace(bench.launch(mark, WRITES), credential=token)
        ids.append(await bench.system.submit(launch))
    ours = await bench.system.submit(bench.launch("ours", WRITES))
    owners = pool.run("condor_q", "-all", *ids, ours, "-af", "Owner").stdout.split()
    assert owners == ["dune", "dune", "poms"]
    await bench.system.open(ids[0])
    await bench.system.act(Verb.REMOVE, ids[1], "not wanted")
    assert await feed.until_over(ids[0], [1]) == {1: JobState.SUCCEEDED}
    assert await feed.until_over(ids[1], [1]) == {1: JobState.REMOVED}


@pytest.mark.parametrize("text", ["", "no token", "eyJh.x.y", "e30.x.y", "-----BEGIN CERTIFICATE"])
async def test_what_is_no_token_refuses_the_launch_and_is_not_told(
    bench: HTCondorBench, tmp_path: Path, text: str
) -> None:
    token = tmp_path / "token"
    token.write_text(text)
    with pytest.raises(BatchRefused) as refused:
        await bench.system.submit(replace(bench.launch("m1", WRITES), credential=token))
    assert not text or text not in str(refused.value)
