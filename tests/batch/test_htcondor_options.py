"""What a stage asks of HTCondor: requirements, attributes, containers, priority."""

import pytest

from batch import BatchRefused, Launch
from batch.htcondor.order import description
from domain.batch_options import BatchOptions
from domain.jobs import JobState
from tests.batch.benches import Feed, HTCondorBench
from tests.batch.pools import Pool

WRITES = 'echo x > "$POMS_JOB.out"'


@pytest.fixture
def bench(condor: HTCondorBench) -> HTCondorBench:
    return condor


def asking(bench: HTCondorBench, mark: str, options: BatchOptions, priority: int = 0) -> Launch:
    return bench.launch(mark, WRITES, options=options, priority=priority)


async def test_jobs_go_to_machines_that_meet_the_requirements_and_carry_the_attributes(
    bench: HTCondorBench, pool: Pool
) -> None:
    feed = Feed(bench.system)
    wanted = BatchOptions(
        requirements='TARGET.Machine =!= "elsewhere$(x)" || false',
        attributes=[["WantGlidein", "1 < 2"], ["Campaign_Name", '"a $(b) c"']],
    )
    native_id = await bench.system.submit(asking(bench, "fits", wanted, priority=7))
    said = pool.run("condor_q", native_id, "-af", "WantGlidein", "Campaign_Name", "JobPrio").stdout
    assert said.strip() == "true a $(b) c 7"
    nowhere = asking(bench, "nowhere", BatchOptions(requirements='TARGET.Machine == "elsewhere"'))
    other = await bench.system.submit(nowhere)
    await bench.system.open(other)
    await bench.system.open(native_id)
    await feed.until_over(native_id, [1])
    assert feed.states(other) == {1: JobState.IDLE}


@pytest.mark.parametrize(
    "options",
    [
        BatchOptions(requirements="true) || (true"),
        BatchOptions(requirements="true // and no more"),
        BatchOptions(attributes=[["Extra", "1 +"]]),
        BatchOptions(attributes=[["Requirements", "true"]]),
        BatchOptions(attributes=[["POMS_GO", "true"]]),
    ],
)
async def test_nothing_that_is_asked_opens_the_gate(
    bench: HTCondorBench, options: BatchOptions
) -> None:
    with pytest.raises(BatchRefused):
        await bench.system.submit(asking(bench, "wrong", options))


async def test_a_container_is_named_in_the_description(bench: HTCondorBench) -> None:
    image = BatchOptions(container="docker://almalinux:9")
    made = description(asking(bench, "image", image), bench.access)
    assert made["container_image"] == "docker://almalinux:9"
    assert "container_image" not in description(asking(bench, "bare", BatchOptions()), bench.access)
