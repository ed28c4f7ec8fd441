"""What Slurm's programs say, as they said it, and what that means: without any Slurm."""

import os
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch import BatchRefused, Launch
from batch.journal import KnownJob
from batch.slurm import SlurmAccess, queue
from batch.slurm.completions import CompletionFile
from batch.slurm.configuration import SlurmConfiguration, parse_configuration
from batch.slurm.entry import SlurmEntry
from batch.slurm.order import (
    ArrayName,
    build_sbatch_command,
    divide_into_blocks,
    format_ranges,
    parse_array_name,
)
from batch.slurm.programs import SlurmPrograms
from batch.slurm.queue import ArrayTask, parse_arrays, parse_queue_tasks
from batch.slurm.record import LaunchTraces, MarkRecord
from batch.slurm.transitions import ObservedJob, derive_job_events
from batch.slurm.vanished import list_action_reasons
from domain.setup.batch_options import BatchOptions
from domain.setup.resources import Resources
from domain.submissions.jobs import JobState

QUEUE = """\
 5| 1| PENDING| job requeued in held state| 1| 0:0| 1795726255| 1795726436| 1795726496| | 1M| m1:a0:0:1|
 8| 5| RUNNING| None| 0| 0:0| 1795726307| 1795726341| NONE| localhost| 100M| m1:a0:0:1|
 8| 1| COMPLETING| None| 0| 0:0| 1795726307| 1795726315| 1795726337| localhost| 100M| m1:a0:0:1|
 8| 2| CANCELLED| BeginTime| 1| 0:0| 1795726307| 1795726345| 1795726345| | 100M| m1:a0:0:1|
 4| 1| FAILED| RaisedSignal:9(Killed)| 0| 0:9| 1795726255| 1795726263| 1795726264| localhost| 100M| m1:a0:0:1|
 7| N/A| PENDING| Priority| 0| 0:0| 1795726255| 1827262257| NONE| | 1M| m1:a0:0:1|
slurm_load_jobs: something else
"""
COMPLETED = (
    "JobId=6 UserId=nobody(65534) GroupId=nogroup(65534) Name=m1:a0:0:1 JobState=COMPLETED Partition=debug"
    " TimeLimit=UNLIMITED StartTime=2026-11-26T20:50:56 EndTime=2026-11-26T20:50:57 NodeList=localhost NodeCnt=1"
    " ProcCnt=1 WorkDir=/tmp/slp/w ReservationName= Tres=cpu=1,mem=32000M,node=1,billing=1 Account= QOS= WcKey="
    " Cluster=unknown SubmitTime=2026-11-26T20:50:55 EligibleTime=2026-11-26T20:50:56 ArrayJobId=1 ArrayTaskId=1"
    " DerivedExitCode=0:0 ExitCode=0:0 \n"
)
CONFIG = """\
Configuration data as of 2026-11-26T20:51:04
ClusterName             = test
JobCompLoc              = /nowhere/jobcomp
JobCompType             = jobcomp/filetxt
MaxArraySize            = 1001
MinJobAge               = 300 sec
SLURM_VERSION           = 24.11.5
"""
DONE = ArrayTask(8, 5, "COMPLETED", "None", 0, "0:0", 1000.0, 1010.0, 1020.0, "localhost", "100M")


def make_look(
    task: ArrayTask, log: Path = Path("/nowhere"), *, is_open: bool = True
) -> ObservedJob:
    return ObservedJob(1, task, 2000.0, {}, log, is_open=is_open)


def list_told_states(
    task: ArrayTask, known: KnownJob | None, *, is_open: bool = True
) -> list[tuple[str, int]]:
    return [
        (e.state.value, e.attempt)
        for e in derive_job_events(make_look(task, is_open=is_open), known)
    ]


def test_the_queue_is_read_for_the_arrays_that_are_followed() -> None:
    found = [task for _, task in parse_queue_tasks(QUEUE.splitlines(), {4, 5, 7, 8})]
    requeued, running, completing, cancelled, failed = found
    assert (requeued.state, requeued.restarts) == (JobState.HELD, 1)
    assert (running.state, running.nodes, running.started) == (
        JobState.RUNNING,
        "localhost",
        1795726341,
    )
    assert completing.word == queue.COMPLETING
    assert (cancelled.state, cancelled.nodes) == (JobState.REMOVED, "")
    assert (failed.state, failed.exit) == (JobState.FAILED, "0:9")
    assert [task.array for _, task in parse_queue_tasks(QUEUE.splitlines(), {4})] == [4]


def test_a_state_that_nobody_knows_is_unknown_and_named() -> None:
    (event,) = derive_job_events(
        make_look(DONE._replace(word="EXPANDING")), KnownJob(JobState.RUNNING, 0)
    )
    assert (event.state, event.text) == (JobState.UNKNOWN, "Slurm calls it EXPANDING")
    assert not event.state.is_over


def test_one_look_at_a_job_that_is_over_tells_its_whole_life_once() -> None:
    assert list_told_states(DONE, None) == [("idle", 0), ("running", 1), ("succeeded", 1)]
    assert list_told_states(DONE, KnownJob(JobState.RUNNING, 1)) == [("succeeded", 1)]
    assert list_told_states(DONE, KnownJob(JobState.SUCCEEDED, 1)) == []


def test_a_requeued_job_is_idle_again_and_its_next_start_is_the_next_attempt() -> None:
    waiting = DONE._replace(word="PENDING", reason="BeginTime", restarts=1, nodes="")
    assert list_told_states(waiting, KnownJob(JobState.RUNNING, 1)) == [("idle", 1)]
    again = DONE._replace(word="RUNNING", restarts=1)
    assert list_told_states(again, KnownJob(JobState.IDLE, 1)) == [("running", 2)]
    assert (
        list_told_states(
            DONE._replace(word="COMPLETING", restarts=1), KnownJob(JobState.RUNNING, 1)
        )
        == []
    )


def test_what_an_older_state_of_the_controller_says_moves_nothing_back() -> None:
    assert list_told_states(DONE._replace(word="RUNNING"), KnownJob(JobState.IDLE, 1)) == [
        ("running", 1)
    ]
    assert list_told_states(DONE._replace(word="RUNNING"), KnownJob(JobState.RUNNING, 2)) == []


def test_what_was_seen_running_and_waits_again_is_told_though_its_start_is_forgotten() -> None:
    held = DONE._replace(word="PENDING", reason="JobHeldUser", nodes="")
    assert list_told_states(held, KnownJob(JobState.RUNNING, 1)) == [("held", 1)]
    assert list_told_states(held, KnownJob(JobState.HELD, 1)) == []
    waiting = held._replace(reason="Priority")
    assert list_told_states(waiting, KnownJob(JobState.RUNNING, 1)) == [("idle", 1)]
    assert list_told_states(DONE._replace(word="RUNNING"), KnownJob(JobState.IDLE, 1)) == [
        ("running", 1)
    ]


def test_the_gate_is_no_hold() -> None:
    held = DONE._replace(word="PENDING", reason="JobHeldUser", nodes="")
    assert list_told_states(held, None, is_open=False) == [("idle", 0)]
    assert list_told_states(held, None) == [("idle", 0), ("held", 0)]


def test_a_hold_of_slurm_itself_is_nobodys() -> None:
    for reason, code in (
        ("JobHeldUser", 1),
        ("JobHeldAdmin", 1),
        ("launch failed requeued held", None),
        ("JobHoldMaxRequeue", None),
        ("BadConstraints", None),
        ("ReservationDeleted", None),
    ):
        held = DONE._replace(word="PENDING", reason=reason, nodes="")
        (event,) = derive_job_events(make_look(held), KnownJob(JobState.IDLE, 0))
        assert (event.state, event.code, event.text) == (JobState.HELD, code, reason)


def test_a_job_that_was_cancelled_before_it_ran_was_never_started() -> None:
    assert list_told_states(DONE._replace(word="CANCELLED", nodes=""), None) == [
        ("idle", 0),
        ("removed", 0),
    ]


@pytest.mark.parametrize(
    ("word", "said", "code", "text"),
    [
        ("FAILED", "StepId=4.batch exceeded memory limit (209825792 > 104857600), being killed", 34,
         "memory limit: used 200 of 100 MB"),
        ("OUT_OF_MEMORY", "Detected 1 oom_kill event in StepId=7.batch.", 34, "memory limit: used all of 100M"),
        ("TIMEOUT", "error: *** JOB 5 ON localhost CANCELLED AT 2026-11-26T20:52:34 DUE TO TIME LIMIT ***", 46,
         "CANCELLED AT 2026-11-26T20:52:34 DUE TO TIME LIMIT"),
        ("NODE_FAIL", "", None, "Slurm says NODE_FAIL (None)"),
        ("FAILED", "", None, None),
    ],
)  # fmt: skip
def test_why_a_job_ended_is_taken_from_its_state_and_from_what_slurm_wrote_into_its_log(
    tmp_path: Path, word: str, said: str, code: int | None, text: str | None
) -> None:
    log = tmp_path / "log"
    log.write_text(f"the job's own words\nslurmstepd: error: {said}\n")
    *_, end = derive_job_events(
        make_look(DONE._replace(word=word, exit="0:9"), log), KnownJob(JobState.RUNNING, 1)
    )
    assert (end.state, end.code, end.text) == (JobState.FAILED, code, text)
    assert (end.exit_code, end.signal, end.wall_s) == (None, 9, 10.0)


def test_every_word_of_slurm_is_told_alike_whatever_was_known_before() -> None:
    for word in queue.STATES:
        for known in (None, KnownJob(JobState.IDLE, 0), KnownJob(JobState.RUNNING, 1)):
            events = list(derive_job_events(make_look(DONE._replace(word=word)), known))
            after = KnownJob(events[-1].state, events[-1].attempt) if events else known
            assert list(derive_job_events(make_look(DONE._replace(word=word)), after)) == []


@given(st.sets(st.integers(0, 5000), min_size=1), st.integers(1, 1500))
def test_arrays_together_have_each_job_once_and_no_task_id_reaches_the_limit(
    numbers: set[int], size: int
) -> None:
    made = divide_into_blocks(numbers, size)
    assert sorted(block.base + task for block in made for task in block.tasks) == sorted(numbers)
    assert all(task < size for block in made for task in block.tasks)
    entry = SlurmEntry(
        "", "", Path(), sorted(numbers), {n: block.base for n, block in enumerate(made)}
    )
    for number in numbers:
        array, task = entry.place(number)
        assert made[array].base + task == number
        assert task in made[array].tasks


@given(st.sets(st.integers(0, 300), min_size=1))
def test_ranges_say_the_same_numbers(numbers: set[int]) -> None:
    said: list[int] = []
    for part in format_ranges(sorted(numbers)).split(","):
        first, _, last = part.partition("-")
        said += range(int(first), int(last or first) + 1)
    assert said == sorted(numbers)


def make_launch(**given: Any) -> Launch:
    made = Launch(
        "m1", Path("/spool/m1"), [1, 2, 3], Resources(memory_mb=100, walltime_s=61), "c/s"
    )
    return replace(made, **given)


def test_an_array_is_ordered_held_with_the_mark_in_name_and_comment() -> None:
    options = BatchOptions(partition="long", account="dune")
    wanted = make_launch(priority=7, options=options, attributes={"POMS_SUBMISSION_ID": "4"})
    words = build_sbatch_command(
        wanted,
        SlurmAccess(partition="short", qos="normal"),
        ArrayName("m1", "ab12", 0, 1),
        [1, 2, 3],
    )
    assert words[:3] == ["sbatch", "--parsable", "--hold"]
    for word in (
        "--job-name=m1:ab12:0:1", "--comment=c/s POMS_SUBMISSION_ID=4 POMS_MARK=m1", "--array=1-3", "--mem=100M",
        "--time=2", "--nice=93", "--partition=long", "--account=dune", "--qos=normal", "--cpus-per-task=1",
    ):  # fmt: skip
        assert word in words
    assert words[-3:] == ["/spool/m1/job.sh", "/spool/m1", "0"]


def test_a_directory_that_slurm_would_read_otherwise_is_refused() -> None:
    with pytest.raises(BatchRefused):
        build_sbatch_command(
            make_launch(directory=Path("/spool/%j")),
            SlurmAccess(),
            ArrayName("m1", "ab12", 0, 1),
            [1],
        )


def test_names_come_back_as_they_were_written() -> None:
    name = ArrayName("poms-0a-1-1.x", "ab12", 1001, 3)
    assert parse_array_name(str(name)) == name
    assert parse_array_name("somebody's job") is None
    shown = parse_arrays(
        f" 7| PENDING| 0| | {name}|\n 7| RUNNING| 0|node1| {name}|\n 8| PENDING| 0| | other|\n"
    )
    assert shown == {7: queue.QueuedArray(name, 2, has_started=True)}


def test_completions_are_found_by_array_and_by_mark(tmp_path: Path) -> None:
    path = tmp_path / "jobcomp"
    path.write_text(COMPLETED.replace("COMPLETED", "PENDING") + COMPLETED + "nonsense\n")
    kept = CompletionFile(path)
    (end,) = kept.read_ends({"a0": [1], "a1": [2]})["a0"].values()
    assert (end.array, end.task, end.state, end.nodes) == (1, 1, JobState.SUCCEEDED, "localhost")
    assert end.ended - end.started == 1
    assert kept.read_mark("m1", LaunchTraces()).names == {1: ArrayName("m1", "a0", 0, 1)}
    assert not kept.read_ends({"a": [1]})
    assert not kept.read_mark("m", LaunchTraces()).names


@pytest.mark.parametrize(
    "name",
    [
        "m1:a0:0:1 ArrayJobId=1 ArrayTaskId=1",
        "m1:a0:0:1 JobState=COMPLETED ArrayJobId=1 ArrayTaskId=1",
        "x\nJobId=6 Name=m1:a0:0:1 JobState=COMPLETED ArrayJobId=1 ArrayTaskId=1",
    ],
)
def test_a_job_that_is_named_like_a_line_tells_nothing_of_others(tmp_path: Path, name: str) -> None:
    """Slurm writes any name as it is."""
    path, others = tmp_path / "jobcomp", COMPLETED.replace("m1:a0:0:1", name)
    path.write_text(others.replace(" ArrayJobId=1 ArrayTaskId=1 Derived", " Derived"))
    assert not CompletionFile(path).read_ends({"a0": [1]}).get("a0")


@pytest.mark.parametrize("note", ["x", "1:2", f"1:{'9' * 30}:0", "-1:-2:00"])
def test_a_note_of_the_file_that_a_job_has_written_proves_nothing(
    tmp_path: Path, note: str
) -> None:
    (tmp_path / "jobcomp").write_text(COMPLETED)
    assert (
        CompletionFile(tmp_path / "jobcomp").read_mark("m2", LaunchTraces(1.0, note)).proof is None
    )


def test_a_file_of_completions_that_was_rotated_proves_no_absence(tmp_path: Path) -> None:
    path = tmp_path / "jobcomp"
    for text in ("", COMPLETED):
        path.write_text(text)
        kept = CompletionFile(path)
        traces = LaunchTraces(1e3, kept.state())
        with path.open("a") as file:
            file.write(COMPLETED)
        assert kept.read_mark("m2", traces).proof is not None
        path.rename(tmp_path / "jobcomp.1")
        assert kept.read_mark("m2", traces).proof is None
        path.write_text(COMPLETED.replace("m1:", "m3:") * 3)
        told = kept.read_mark("m2", traces)
        assert told.proof is None
        assert "is not the file any more" in told.doubt
        # Of a launch that was never submitted nothing can be there.
        assert kept.read_mark("m2", LaunchTraces(1e3)).proof is not None


@pytest.mark.parametrize(
    "zone", [timedelta(hours=-8), timedelta(hours=5, minutes=45), timedelta(0)]
)
def test_the_zone_in_which_a_controller_writes_is_known_by_when_it_writes(
    tmp_path: Path, zone: timedelta
) -> None:
    path = tmp_path / "jobcomp"
    path.write_text(COMPLETED)
    ended = datetime.fromisoformat("2026-11-26T20:50:57").replace(tzinfo=timezone(zone)).timestamp()
    os.utime(path, (ended, ended + 20))
    (end,) = CompletionFile(path).read_ends({"a0": [1]})["a0"].values()
    assert (end.submitted, end.started, end.ended) == (ended - 2, ended - 1, ended)
    # Where its environment says so it writes no local time at all.
    path.write_text(COMPLETED.replace("2026-11-26T20:50:57", f"{ended:.0f}"))
    (end,) = CompletionFile(path).read_ends({"a0": [1]})["a0"].values()
    assert end.ended == ended


def make_configuration(**given: str) -> SlurmConfiguration:
    text = CONFIG + "".join(f"{key} = {value}\n" for key, value in given.items())
    return parse_configuration(text, SlurmPrograms(SlurmAccess(Path("/nowhere"))))


def test_which_proof_of_absence_there_is_depends_on_what_the_cluster_keeps(tmp_path: Path) -> None:
    path = tmp_path / "jobcomp"
    path.touch()
    without = make_configuration()
    assert (without.most_tasks, without.remembers_s) == (1001, 300)
    assert "only while a launch is younger" in without.proof()
    assert without.read_mark("m1", LaunchTraces()) == MarkRecord({}, doubt=without.proof())
    assert without.read_mark("m1", LaunchTraces(30.0)).proof is not None
    with_file = make_configuration(
        JobCompLoc=str(path), AccountingStorageType="accounting_storage/slurmdbd"
    )
    assert str(path) in with_file.proof()
    assert with_file.read_mark("m1", LaunchTraces()).proof is not None
    # Its programs are nowhere: only what the queue proves is proven.
    accounted = make_configuration(
        AccountingStorageType="accounting_storage/slurmdbd", BOOT_TIME="1000"
    )
    assert "slurmdbd" in accounted.proof()
    assert accounted.read_mark("m1", LaunchTraces(30.0)).proof is not None
    for age, doubt in (
        (None, "older than a week"),
        (1e6, "older than a week"),
        (1e3, "can't be run"),
    ):
        kept = accounted.read_mark("m1", LaunchTraces(age))
        assert (kept.proof, doubt in kept.doubt) == (None, True)


def test_a_reason_lasts_until_it_is_taken_back() -> None:
    asked: list[dict[str, Any]] = [
        {"verb": "hold", "reason": "look", "numbers": None},
        {"verb": "remove", "reason": "no", "numbers": [2]},
        {"verb": "release", "reason": "on", "numbers": [1]},
    ]
    assert list_action_reasons(asked, 1) == {}
    assert list_action_reasons(asked, 2) == {"hold": "look", "remove": "no"}
