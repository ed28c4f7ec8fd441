"""What a stage asks of HTCondor: requirements, attributes, containers, priority."""

import pytest

from batch import BatchRefused, Launch
from batch.htcondor.order import describe_submission
from domain.setup.batch_options import BatchOptions
from domain.submissions.jobs import JobState
from tests.batch.batch_fixtures import CommittingFeed, HTCondorFixture
from tests.batch.pools import Pool

WRITES = 'echo x > "$POMS_JOB.out"'


@pytest.fixture
def bench(condor: HTCondorFixture) -> HTCondorFixture:
    return condor


def build_launch(
    bench: HTCondorFixture, mark: str, options: BatchOptions, priority: int = 0
) -> Launch:
    return bench.launch(mark, WRITES, options=options, priority=priority)


async def test_jobs_go_to_machines_that_meet_the_requirements_and_carry_the_attributes(
    bench: HTCondorFixture, pool: Pool
) -> None:
    feed = CommittingFeed(bench.system)
    wanted = BatchOptions(
        requirements='TARGET.Machine =!= "elsewhere" || false',
        attributes=[["WantGlidein", "1 < 2"], ["Campaign_Name", '"a b c"']],
    )
    native_id = await bench.submit(build_launch(bench, "fits", wanted, priority=7))
    said = pool.run("condor_q", native_id, "-af", "WantGlidein", "Campaign_Name", "JobPrio").stdout
    assert said.strip() == "true a b c 7"
    nowhere = build_launch(
        bench, "nowhere", BatchOptions(requirements='TARGET.Machine == "elsewhere"')
    )
    other = await bench.submit(nowhere)
    await bench.open(other)
    await bench.open(native_id)
    await feed.until_over(native_id, [1])
    assert feed.states(other) == {1: JobState.IDLE}


@pytest.mark.parametrize(
    "options",
    [
        BatchOptions(requirements="true) || (true"),
        BatchOptions(requirements="true // and no more"),
        BatchOptions(attributes=[["Extra", "1 +"]]),
        BatchOptions(attributes=[["Extra", '"$ENV(HOME)"']]),
        BatchOptions(attributes=[["AccountingGroup", '"other"']]),
        BatchOptions(attributes=[["DAGManNodesLog", '"/etc/x"']]),
        BatchOptions(attributes=[["Requirements", "true"]]),
        BatchOptions(attributes=[["POMS_GO", "true"]]),
    ],
)
async def test_nothing_that_is_asked_opens_the_gate(
    bench: HTCondorFixture, options: BatchOptions
) -> None:
    with pytest.raises(BatchRefused):
        await bench.submit(build_launch(bench, "wrong", options))


async def test_a_container_is_named_in_the_description(bench: HTCondorFixture) -> None:
    image = BatchOptions(container="docker://almalinux:9")
    made = describe_submission(build_launch(bench, "image", image), bench.access)
    assert made["container_image"] == "docker://almalinux:9"
    assert "container_image" not in describe_submission(
        build_launch(bench, "bare", BatchOptions()), bench.access
    )
