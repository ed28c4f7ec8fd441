"""What jobs lay where outputs and reports are looked for costs these jobs, on every batch system, and nobody else.

Jobs of another experiment run beside them.
"""

import stat
from pathlib import Path

from batch import Launch, ReportKey
from catalogs import ClaimedFile, ConfirmedFile
from catalogs.embedded import EmbeddedCatalog
from domain.submissions.jobs import JobActionVerb, JobState
from tests.batch.batch_fixtures import BatchFixture, CommittingFeed, LocalFixture

OTHERS = "what is somebody else's\n"
OUTPUTS = """
case $POMS_JOB in
  1) ln -s "{other}" 1.out;;
  2) mkfifo 2.out;;
  3) mkdir 3.out;;
  4) ln "{other}" 4.out || cp "{other}" 4.out;;
  5) ln -s /dev/zero 5.out;;
  6) ln -s nowhere 6.out;;
  7) truncate -s 70000000 7.out;;
  8) ln -s . 8.out;;
  *) echo good > $POMS_JOB.out;;
esac
"""


def find_counting(bench: BatchFixture) -> set[int]:
    """The jobs whose outputs are files to them: what their own rights reach is copied; behind a wall it isn't there."""
    return {7, 9} if isinstance(bench, LocalFixture) else {1, 4, 7, 9}


REPORTS = """
for word in $(tr '\\0' '\\n' < /proc/$PPID/cmdline); do [ -d "$word/reports" ] && launch=$word; done
cd "$launch/reports" || exit 9
case $POMS_JOB in
  1) mkfifo 1.1.json;;
  2) mkdir 2.1.json;;
  3) ln -s "{other}" 3.1.json;;
  4) ln -s /dev/zero 4.1.json;;
  5) truncate -s 70000000 5.1.json;;
  6) ln "{other}" 6.1.json || cp "{other}" 6.1.json;;
  *) cd - > /dev/null; echo good > $POMS_JOB.out; exit 0;;
esac
kill -9 $PPID
"""


def make_others_file(bench: BatchFixture) -> Path:
    """A file that jobs may read, whatever they are allowed to do with it."""
    path = bench.spool / "others"
    path.write_text(OTHERS)
    return path


async def submit_other(bench: BatchFixture) -> tuple[Launch, str]:
    """A launch of another experiment."""
    launch = bench.launch("m2", "echo x > $POMS_JOB.out", experiment=2)
    return launch, await bench.submit(launch)


async def check_other(bench: BatchFixture, feed: CommittingFeed, launch: Launch, id: str) -> None:
    """It is told of to its end, and what it made lies in its own experiment's folder."""
    assert await feed.until_over(id, [1]) == {1: JobState.SUCCEEDED}
    key = ReportKey(launch.directory, 1, 1)
    (output,) = (await bench.system.reports([key]))[key]["outputs"]
    assert Path(output["path"]).read_text() == "x\n"
    assert Path(output["path"]).is_relative_to(bench.store_of("m2", 2))


async def test_outputs_that_are_no_files_cost_their_jobs_and_the_others_count(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start()
    other, counting = make_others_file(bench), find_counting(bench)
    launch = bench.launch("m1", OUTPUTS.format(other=other), 9)
    native_id, (theirs, their_id) = await bench.submit(launch), await submit_other(bench)
    for each in (native_id, their_id):
        await bench.open(each)
    states = await feed.until_over(native_id, range(1, 10))
    assert {number for number, state in states.items() if state is JobState.SUCCEEDED} == counting
    keys = [ReportKey(launch.directory, number, 1) for number in range(1, 10)]
    found = await bench.system.reports(keys)
    made = {key.number: found[key]["outputs"] for key in keys}
    assert {number for number, outputs in made.items() if outputs} == counting
    claimed = [ClaimedFile(o["path"], o["size"], o["checksum"]) for n in counting for o in made[n]]
    confirmed = await EmbeddedCatalog().confirm(claimed, [bench.store])
    assert [type(each) for each in confirmed] == [ConfirmedFile] * len(counting)
    own = (path for path in bench.store.rglob("*.out") if "e2" not in path.parts)
    there = [path.lstat() for path in own]
    assert len(there) == len(counting)
    assert all(stat.S_ISREG(each.st_mode) and each.st_nlink == 1 for each in there)
    assert other.read_text() == OTHERS
    await check_other(bench, feed, theirs, their_id)


async def test_reports_that_are_no_files_cost_their_jobs_and_the_watcher_goes_on(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    """Jobs put them there while they run, and end their payloads so that nothing takes their places."""
    bench.start()
    launch = bench.launch("m1", REPORTS.format(other=make_others_file(bench)), 8)
    native_id, (theirs, their_id) = await bench.submit(launch), await submit_other(bench)
    for each in (native_id, their_id):
        await bench.open(each)
    await feed.until_over(native_id, range(2, 9))
    # HTCondor itself waits for a pipe that it is to carry back, and for a minute more once the job is removed.
    await bench.act(JobActionVerb.REMOVE, native_id, "it hangs", [1])
    states = await feed.until_over(native_id, range(1, 9), within_s=200)
    assert {n for n, state in states.items() if state is JobState.SUCCEEDED} == {7, 8}
    keys = [ReportKey(launch.directory, number, 1) for number in range(1, 9)]
    found = await bench.system.reports(keys)
    outcomes = {key.number: (told["outcome"], told["reason"]) for key, told in found.items()}
    assert outcomes.pop(7) == outcomes.pop(8) == ("succeeded", None)
    # What a batch system does not carry back is not there, and the job has failed without it.
    assert set(outcomes.values()) <= {("failed", "bad_report")}
    assert not any(OTHERS.strip() in str(told) for told in found.values())
    await check_other(bench, feed, theirs, their_id)
