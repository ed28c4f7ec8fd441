"""What is special to HTCondor: its logs, its late jobs, and daemons of it that die."""

import asyncio
import itertools
import json
import os
import signal
import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from batch import BatchRefused, BatchUnavailable, JobEvent, Launch, MarkUnknown, ReportKey
from batch.htcondor import HTCondor, HTCondorAccess
from batch.htcondor.feed import HTCondorFeed as Logs
from batch.htcondor.feed import parse_places
from batch.htcondor.order import locate_event_log, quote_text
from domain.setup.resources import Resources
from domain.submissions.jobs import JobActionVerb, JobState
from tests.batch.batch_fixtures import (
    CommittingFeed,
    HTCondorFixture,
    list_processes_with,
    wait_for_condition,
)
from tests.batch.pools import Pool

WRITES = 'echo "$POMS_JOB" > "$POMS_JOB.out"'


@pytest.fixture
def bench(condor: HTCondorFixture) -> HTCondorFixture:
    return condor


def limit_idle(bench: HTCondorFixture, access: HTCondorAccess) -> None:
    """Let most of a cluster's jobs be put into the queue late."""
    bench.condor.close()
    bench.system = bench.condor = HTCondor(replace(access, most_idle=2), bench.spool)


async def submit_waiting(bench: HTCondorFixture, launch: Launch, go: Path) -> str:
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    await wait_for_condition(lambda: bench.has_started(launch, 1))
    assert not go.exists()
    return native_id


async def test_jobs_that_come_into_the_queue_late_run_too(
    bench: HTCondorFixture, access: HTCondorAccess
) -> None:
    limit_idle(bench, access)
    feed = CommittingFeed(bench.system)
    native_id = await bench.submit(bench.launch("late", WRITES, 12))
    await feed.read()
    assert len(feed.states(native_id)) == 2
    await bench.open(native_id)
    states = await feed.until_over(native_id, range(1, 13))
    assert set(states.values()) == {JobState.SUCCEEDED}


async def test_an_opened_cluster_does_not_wait_for_others_like_it_that_are_closed(
    bench: HTCondorFixture, pool: Pool
) -> None:
    # HTCondor takes jobs alike for one when it looks for machines: the gate must tell them apart anew.
    feed = CommittingFeed(bench.system)
    ids = [await bench.submit(bench.launch(f"m{n}", WRITES)) for n in range(4)]

    async def sorted_out() -> bool:
        told = pool.run("condor_q", "-all", "-af", "AutoClusterId").stdout.split()
        return len(told) == len(ids) and "undefined" not in told

    await wait_for_condition(sorted_out)
    await bench.open(ids[-1])
    await feed.until_over(ids[-1], [1])


async def test_jobs_that_never_came_into_the_queue_are_removed_with_their_cluster(
    bench: HTCondorFixture, access: HTCondorAccess
) -> None:
    limit_idle(bench, access)
    feed = CommittingFeed(bench.system)
    native_id = await bench.submit(bench.launch("never", WRITES, 12))
    with pytest.raises(BatchUnavailable, match="not in the queue yet"):
        await bench.act(JobActionVerb.REMOVE, native_id, "not wanted", [1, 12])
    await bench.act(JobActionVerb.REMOVE, native_id, "not wanted")
    states = await feed.until_over(native_id, range(1, 13))
    assert set(states.values()) == {JobState.REMOVED}
    assert Counter(event.number for event in feed.events if event.state.is_over) == Counter(
        range(1, 13)
    )
    await bench.open(native_id)


async def test_holding_one_job_does_not_stop_the_others_from_coming(
    bench: HTCondorFixture, access: HTCondorAccess
) -> None:
    limit_idle(bench, access)
    feed = CommittingFeed(bench.system)
    native_id = await bench.submit(bench.launch("hold", WRITES, 6))
    await bench.act(JobActionVerb.HOLD, native_id, "look at it", [1])
    await bench.open(native_id)
    await feed.until_over(native_id, range(2, 7))
    assert feed.states(native_id)[1] == JobState.HELD


async def test_a_job_outlives_its_schedd_as_the_same_attempt(
    bench: HTCondorFixture, pool: Pool
) -> None:
    feed, go = CommittingFeed(bench.system), bench.spool / "go"
    launch = bench.launch("m1", f'echo x > 1.out; until [ -e "{go}" ]; do sleep 0.1; done')
    native_id = await submit_waiting(bench, launch, go)
    await feed.until(native_id, JobState.RUNNING, [1])
    os.kill(pool.process("condor_schedd"), signal.SIGKILL)

    async def reconnected() -> bool:
        return "Job reconnected" in locate_event_log(launch.directory).read_text()

    await wait_for_condition(reconnected)
    go.touch()
    await feed.until_over(native_id, [1])
    assert feed.list_states(1) == [("idle", 0), ("running", 1), ("succeeded", 1)]
    assert bench.starts(launch, 1) == 1


async def test_a_job_whose_shadow_dies_is_started_again_and_its_report_is_found(
    bench: HTCondorFixture, pool: Pool
) -> None:
    feed, go = CommittingFeed(bench.system), bench.spool / "go"
    launch = bench.launch("m1", f'echo x > 1.out; until [ -e "{go}" ]; do sleep 0.1; done')
    native_id = await submit_waiting(bench, launch, go)
    await feed.until(native_id, JobState.RUNNING, [1])
    os.kill(pool.process("condor_shadow", f"{native_id}.0"), signal.SIGKILL)

    async def again() -> bool:
        return bench.starts(launch, 1) == 2

    await wait_for_condition(again)
    go.touch()
    await feed.until_over(native_id, [1])
    over = feed.events[-1]
    assert over.state == JobState.SUCCEEDED
    lines = (launch.directory / "starts/1.jsonl").read_text().splitlines()
    assert [json.loads(line)["attempt"] for line in lines] == [1, over.attempt]
    key = ReportKey(launch.directory, 1, over.attempt)
    assert (await bench.system.reports([key]))[key]["outcome"] == "succeeded"


async def test_a_cluster_that_the_schedd_could_not_log_never_runs(bench: HTCondorFixture) -> None:
    launch = bench.launch("unlogged", WRITES)
    closed = locate_event_log(launch.directory).parent
    os.chown(closed, os.getuid(), os.getgid())
    closed.chmod(0o555)
    native_id = await bench.submit(launch)
    with pytest.raises(BatchRefused, match="can't write the log"):
        await bench.open(native_id)
    assert bench.starts(launch, 1) == 0


async def test_the_child_that_speaks_with_htcondor_may_die(bench: HTCondorFixture) -> None:
    assert (await bench.system.health()).reachable
    (child,) = list_processes_with(f"_CONDOR_SEC_TOKEN_DIRECTORY={bench.access.tokens}")
    os.kill(int(child), signal.SIGKILL)
    answers = [(await bench.system.health()).reachable for _ in range(2)]
    assert answers[-1]


async def test_a_schedd_that_does_not_answer_leaves_us_free_and_tells_nothing(
    tmp_path: Path,
) -> None:
    pytest.importorskip("htcondor2")
    deaf = socket.create_server(("127.0.0.1", 0))
    port = deaf.getsockname()[1]
    system = HTCondor(HTCondorAccess(f"127.0.0.1:{port}", call_s=1.0), tmp_path)
    asked = asyncio.create_task(system.find("m1"))
    ticks = 0
    async with asyncio.timeout(60):
        while not asked.done():
            await asyncio.sleep(0.05)
            ticks += 1
    assert isinstance(asked.result(), MarkUnknown)
    assert ticks > 2
    assert not (await system.health()).reachable
    system.close()
    deaf.close()


# --- The logs themselves, as text -------------------------------------------------------------------

SUBMIT = "000 (007.000.000) {} Job submitted from host: <127.0.0.1:1>\n...\n"
EXECUTE = "001 (007.000.000) {} Job executing on host: <127.0.0.1:1>\n\tSlotName: slot1@node\n...\n"
TOLD = (
    "028 (007.000.000) {} Job ad information event triggered.\n"
    "NumShadowStarts = 3\nTriggerEventTypeNumber = 1\n...\n"
)
OVER = "005 (007.000.000) {} Job terminated.\n\t(0) Abnormal termination (signal 11)\n...\n"
GONE = "036 (007.-01.000) {} Cluster removed\n\tMaterialized 1 jobs from 1 items.\tComplete\n...\n"
ISO = "2026-03-04 05:06:07"


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    (tmp_path / "launch/htcondor").mkdir(parents=True)
    return Launch("m1", tmp_path / "launch", [1], Resources(), "a/b")


@pytest.fixture
def logs(tmp_path: Path, launch: Launch) -> Logs:
    made = Logs(tmp_path / "live")
    made.enter(launch)
    return made


def write_log(launch: Launch, *blocks: str, clock: str = ISO) -> None:
    with locate_event_log(launch.directory).open("a") as file:
        file.writelines(block.format(clock) for block in blocks)


def list_states(events: Sequence[JobEvent]) -> list[tuple[str, int]]:
    return [(event.state.value, event.attempt) for event in events]


def test_a_torn_last_block_is_waited_for(logs: Logs, launch: Launch) -> None:
    whole = "".join(block.format(ISO) for block in (SUBMIT, EXECUTE, TOLD))
    locate_event_log(launch.directory).write_text(whole[:-30])
    batch = logs.read(None, 10)
    assert list_states(batch.events) == [("idle", 0)]
    with locate_event_log(launch.directory).open("a") as file:
        file.write(whole[-30:])
    more = logs.read(batch.read_to, 10)
    assert list_states(more.events) == [("running", 3)]
    assert (more.events[0].slot, more.events[0].site) == ("slot1@node", "node")


def test_half_a_block_of_a_killed_writer_costs_nothing_else(logs: Logs, launch: Launch) -> None:
    grown = "006 (007.000.000) {} Image size of job upd\n"
    write_log(launch, SUBMIT, grown, EXECUTE, TOLD, TOLD.removesuffix("...\n"), OVER)
    batch = logs.read(None, 10)
    assert list_states(batch.events) == [("idle", 0), ("running", 3), ("failed", 3)]
    assert batch.events[-1].signal == 11


@pytest.mark.parametrize(
    ("clock", "at"),
    [
        ("2026-03-04 05:06:07", datetime(2026, 3, 4, 5, 6, 7).astimezone()),
        ("2026-03-04T05:06:07.25Z", datetime(2026, 3, 4, 5, 6, 7, 250000, UTC)),
        ("2026-03-04 05:06:07+02:00", datetime(2026, 3, 4, 3, 6, 7, 0, UTC)),
    ],
)
def test_clocks_are_understood(logs: Logs, launch: Launch, clock: str, at: datetime) -> None:
    write_log(launch, SUBMIT, clock=clock)
    assert logs.read(None, 10).events[0].at == at


def test_the_old_clock_has_no_year_and_is_never_in_the_future(logs: Logs, launch: Launch) -> None:
    write_log(launch, SUBMIT, clock="02/29 05:06:07")
    at = logs.read(None, 10).events[0].at.astimezone()
    assert (at.month, at.day, at.hour) == (2, 29, 5)
    assert at < datetime.now(UTC)


def test_a_start_whose_attempt_was_not_told_is_told_by_what_follows(
    logs: Logs, launch: Launch
) -> None:
    write_log(launch, SUBMIT, EXECUTE, OVER)
    batch = logs.read(None, 10)
    assert list_states(batch.events) == [("idle", 0), ("running", 1), ("failed", 1)]
    assert [event.sequence for event in batch.events] == sorted({e.sequence for e in batch.events})


@pytest.mark.parametrize(
    "impossible",
    [
        "012 (007.000.000) {} Job was held.\n\tno\n\tCode " + "9" * 5000 + "\n...\n",
        TOLD.replace("= 3", f"= {'9' * 5000}"),
        OVER.replace("11", "9" * 5000),
        OVER.replace(
            "\n...",
            "\n\t\tUsr " + "9" * 400 + " 00:00:00, Sys 0 00:00:00  -  Run Remote Usage\n...",
        ),
    ],
)
def test_a_block_of_a_log_that_could_not_be_stops_nothing(
    logs: Logs, launch: Launch, impossible: str
) -> None:
    write_log(launch, SUBMIT, EXECUTE, impossible, EXECUTE, OVER)
    said = list_states(logs.read(None, 100).events)
    assert said[0] == ("idle", 0)
    assert said[-1][0] == "failed"


def test_a_log_that_was_begun_again_is_told_again_with_higher_numbers(
    logs: Logs, launch: Launch, tmp_path: Path
) -> None:
    write_log(launch, SUBMIT, EXECUTE, TOLD)
    first = logs.read(None, 10)
    locate_event_log(launch.directory).unlink()
    write_log(launch, SUBMIT)
    for reader in (logs, Logs(tmp_path / "live")):
        again = reader.read(first.read_to, 10)
        assert list_states(again.events) == [("idle", 0)]
        assert again.events[0].sequence > first.events[-1].sequence


def test_a_log_that_was_cut_is_told_again_with_higher_numbers(logs: Logs, launch: Launch) -> None:
    write_log(launch, SUBMIT, EXECUTE, TOLD, OVER)
    first = logs.read(None, 10)
    os.truncate(locate_event_log(launch.directory), 0)
    write_log(launch, SUBMIT, EXECUTE, TOLD)
    again = logs.read(first.read_to, 10)
    assert list_states(again.events) == [("idle", 0), ("running", 3)]
    assert again.events[0].sequence > first.events[-1].sequence


def test_events_that_are_logged_twice_or_after_the_end_change_nothing(
    logs: Logs, launch: Launch
) -> None:
    write_log(
        launch, SUBMIT, SUBMIT, EXECUTE, TOLD, EXECUTE, TOLD, OVER, OVER, EXECUTE, TOLD, SUBMIT
    )
    said = list_states(logs.read(None, 100).events)
    assert [state for state, _ in itertools.groupby(said)] == [
        ("idle", 0),
        ("running", 3),
        ("failed", 3),
    ]


def test_many_logs_are_read_bit_by_bit_and_each_is_told_whole(tmp_path: Path) -> None:
    logs = Logs(tmp_path / "live")
    for name in "abcde":
        (tmp_path / name / "htcondor").mkdir(parents=True)
        launch = Launch(name, tmp_path / name, [1], Resources(), "a/b")
        logs.enter(launch)
        cluster = f"(00{ord(name) - 96}."
        blocks = [block.replace("(007.", cluster) for block in (SUBMIT, EXECUTE, TOLD, OVER, GONE)]
        write_log(launch, *blocks)
    read_to, told = None, Counter[str]()
    for _ in range(20):
        batch = Logs(tmp_path / "live").read(read_to, 2)
        read_to = batch.read_to
        told.update(event.native_id for event in batch.events)
    assert told == {str(number): 3 for number in range(1, 6)}
    assert os.listdir(tmp_path / "live") == [".over"]


def test_an_unknown_event_is_named_and_left(
    logs: Logs, launch: Launch, caplog: pytest.LogCaptureFixture
) -> None:
    write_log(
        launch,
        SUBMIT,
        "099 (007.000.000) {} From the future\n...\n",
        "no event\n...\n",
        "005 (007.000.000) 2026-13-01 05:06:07 Job terminated.\n...\n",
        EXECUTE,
        TOLD,
    )
    assert list_states(logs.read(None, 10).events) == [("idle", 0), ("running", 3)]
    assert "From the future" in caplog.text


def test_a_launch_that_is_over_is_let_go_once_that_is_committed(
    logs: Logs, launch: Launch, tmp_path: Path
) -> None:
    write_log(launch, SUBMIT, EXECUTE, TOLD, OVER, GONE)
    batch = logs.read(None, 10)
    assert parse_places(batch.read_to)["m1"].is_over
    assert os.listdir(tmp_path / "live") == ["m1"]
    assert logs.read(batch.read_to, 10).read_to == "{}"
    assert os.listdir(tmp_path / "live") == [".over"]
    assert os.listdir(tmp_path / "live/.over") == ["m1"]  # for a database that is restored
    assert logs.read("{}", 10).events == []


def test_what_people_name_things_is_quoted_for_htcondor() -> None:
    assert quote_text('a"b\\c$(d)\ne') == '"a\\"b\\\\c$(DOLLAR)(d) e"'
