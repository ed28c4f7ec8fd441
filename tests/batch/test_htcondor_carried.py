"""Launches of which nothing is shared with the machines: all goes with the jobs, and comes back."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batch import Launch, ReportKey
from batch.directory import InputFile
from batch.htcondor import HTCondor, HTCondorAccess, file_transfer
from domain.submissions.jobs import JobActionVerb, JobState
from tests.batch.batch_fixtures import CommittingFeed, HTCondorFixture
from tests.batch.pools import Pool

COPIES = 'for f in $(cat "$POMS_INPUTS"); do echo "$f"; cat "$f"; done > "$POMS_JOB.out"'


@pytest.fixture
def bench(condor: HTCondorFixture, access: HTCondorAccess) -> HTCondorFixture:
    condor.condor.close()
    condor.system = condor.condor = HTCondor(replace(access, carries=True), condor.spool)
    return condor


def make_input(bench: HTCondorFixture, name: str, text: str) -> InputFile:
    path = bench.spool / name
    path.write_text(text)
    return InputFile(1, name, str(path), len(text))


async def read_report(
    bench: HTCondorFixture, launch: Launch, attempt: int = 1
) -> Mapping[str, Any]:
    key = ReportKey(launch.directory, 1, attempt)
    return (await bench.system.reports([key]))[key]


async def test_inputs_go_with_the_jobs_and_reports_and_outputs_come_back(
    bench: HTCondorFixture, pool: Pool
) -> None:
    feed = CommittingFeed(bench.system)
    launch = bench.launch("m1", COPIES, 3, files=[make_input(bench, "raw.txt", "from afar\n")])
    native_id = await bench.submit(launch)
    assert pool.run("condor_q", native_id, "-af", "ShouldTransferFiles").stdout.split()[0] == "YES"
    await bench.open(native_id)
    assert set((await feed.until_over(native_id, [1, 2, 3])).values()) == {JobState.SUCCEEDED}
    assert not list(bench.store.iterdir())
    for _ in range(2):
        report = await read_report(bench, launch)
    assert report["outcome"] == "succeeded"
    (output,) = report["outputs"]
    made = bench.store / "1.1/1.out"
    read_from, said = made.read_text().splitlines()
    assert (output["path"], output["size"]) == (str(made), made.stat().st_size)
    assert output["checksum"] == f"sha256:{hashlib.sha256(made.read_bytes()).hexdigest()}"
    assert said == "from afar"
    assert not read_from.startswith(str(bench.spool))


HOSTILE = ("b, c.txt", "$HOME $(x) %(y)s.txt", "\"'`;&|.txt", ".hidden", "launch.json", "ä.txt")


async def test_inputs_of_any_name_come_to_their_jobs_by_their_names(bench: HTCondorFixture) -> None:
    folders = [bench.spool / f"in{n}" for n in range(len(HOSTILE))]
    files = []
    for n, (folder, name) in enumerate(zip(folders, HOSTILE, strict=True)):
        folder.mkdir()
        (folder / name).write_text(f"{n}\n")
        files.append(InputFile(n + 1, name, str(folder / name), 2))
    same = folders[1] / HOSTILE[0]
    same.write_text("9\n")
    files.append(InputFile(9, f"other {HOSTILE[0]}", str(same), 2))
    reads = 'while read -r f; do basename "$f"; cat "$f"; done < "$POMS_INPUTS" > 1.out'
    feed, launch = CommittingFeed(bench.system), bench.launch("m1", reads, files=files)
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    assert (await feed.until_over(native_id, [1]))[1] is JobState.SUCCEEDED
    await read_report(bench, launch)
    lines = (bench.store / "1.1/1.out").read_text().splitlines()
    assert lines[::2] == [*HOSTILE, HOSTILE[0]]
    assert lines[1::2] == [*map(str, range(len(HOSTILE))), "9"]


async def test_an_input_that_is_not_there_is_missing(bench: HTCondorFixture) -> None:
    feed, gone = (
        CommittingFeed(bench.system),
        InputFile(1, "gone.txt", str(bench.spool / "gone.txt"), 5),
    )
    launch = bench.launch("m1", COPIES, files=[gone])
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    assert (await feed.until_over(native_id, [1]))[1] is JobState.FAILED
    report = await read_report(bench, launch)
    assert (report["reason"], report["inputs"][0]["reason"]) == ("missing_input", "missing_input")


async def test_an_attempt_that_was_stopped_leaves_nothing_of_its_own_behind(
    bench: HTCondorFixture,
) -> None:
    feed, go = CommittingFeed(bench.system), bench.spool / "go"
    script = f'echo "$POMS_ATTEMPT" > 1.out; until [ -e "{go}" ]; do sleep 0.1; done'
    launch = bench.launch("m1", script)
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    await feed.until(native_id, JobState.RUNNING, [1])
    await bench.act(JobActionVerb.HOLD, native_id, "look at it")
    await feed.until(native_id, JobState.HELD, [1])
    go.touch()
    await bench.act(JobActionVerb.RELEASE, native_id, "looked")
    await feed.until_over(native_id, [1])
    attempt = feed.events[-1].attempt
    assert attempt > 1
    report = await read_report(bench, launch, attempt)
    assert report["attempt"] == attempt
    assert (bench.store / f"1.{attempt}/1.out").read_text() == f"{attempt}\n"
    assert [path.name for path in bench.store.iterdir()] == [f"1.{attempt}"]
    assert [path.name for path in (launch.directory / "reports").iterdir()] == [f"1.{attempt}.json"]


def make_returned_files(folder: Path, attempt: str, text: str) -> Path:
    """What came back of an attempt."""
    came = folder / "outputs" / attempt
    came.mkdir(parents=True)
    (came / "same.out").write_text(text)
    (folder / "launch.json").write_text(json.dumps({"store": f"{folder}/store"}))
    return came


TOLD: Mapping[str, Any] = {
    **{"outcome": "succeeded", "log_tail": "", "outputs": [{"name": "same.out"}]},
    "inputs": [{"id": 1, "outcome": "done"}],
}


def test_attempts_that_made_one_name_lie_beside_each_other(tmp_path: Path) -> None:
    for attempt in ("1.1", "1.2", "2.1"):
        make_returned_files(tmp_path, attempt, attempt)
        report = file_transfer.place_transferred_outputs(
            ReportKey(tmp_path, *map(int, attempt.split("."))), TOLD
        )
        path = f"{tmp_path}/store/{attempt}/same.out"
        assert report["outputs"] == [{"name": "same.out", "path": path}]
    found = {path.parent.name: path.read_text() for path in tmp_path.glob("store/*/*")}
    assert found == {"1.1": "1.1", "1.2": "1.2", "2.1": "2.1"}


def test_a_sandbox_that_comes_once_more_replaces_nothing(tmp_path: Path) -> None:
    for text in ("first", "again"):
        make_returned_files(tmp_path, "1.1", text)
        file_transfer.place_transferred_outputs(ReportKey(tmp_path, 1, 1), TOLD)
    assert [path.name for path in tmp_path.glob("store/*")] == ["1.1"]
    assert (tmp_path / "store/1.1/same.out").read_text() == "first"


def test_an_output_that_was_brought_before_attempts_had_folders_is_still_found(
    tmp_path: Path,
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store/same.out").write_text("old")
    (tmp_path / "launch.json").write_text(json.dumps({"store": f"{tmp_path}/store"}))
    report = file_transfer.place_transferred_outputs(ReportKey(tmp_path, 1, 1), TOLD)
    assert report["outputs"] == [{"name": "same.out", "path": f"{tmp_path}/store/same.out"}]


def test_no_link_in_the_store_leads_out_of_the_experiments_folder(tmp_path: Path) -> None:
    make_returned_files(tmp_path, "1.1", "mine")
    own, other = tmp_path / "store/e3", tmp_path / "store/e5"
    for folder in (own, other):
        folder.mkdir(parents=True)
    (own / "c1").symlink_to(other)
    told = {"store": f"{own}/c1/s1/m", "folder": str(own)}
    (tmp_path / "launch.json").write_text(json.dumps(told))
    report = file_transfer.place_transferred_outputs(ReportKey(tmp_path, 1, 1), TOLD)
    assert (report["reason"], report["outputs"]) == ("stage_out", [])
    assert not list(other.iterdir())


@pytest.mark.parametrize("what", ["link", "linked folder", "pipe", "folder", "name"])
def test_only_plain_files_of_the_sandbox_are_brought(tmp_path: Path, what: str) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/same.out").write_text("of others")
    launch = tmp_path / "launch"
    came = make_returned_files(launch, "1.1", "")
    (came / "same.out").unlink()
    told = TOLD
    if what == "link":
        (came / "same.out").symlink_to(tmp_path / "secret/same.out")
    elif what == "linked folder":
        came.rmdir()
        came.symlink_to(tmp_path / "secret")
    elif what == "pipe":
        os.mkfifo(came / "same.out")
    elif what == "folder":
        (came / "same.out").mkdir()
    else:
        told = {**TOLD, "outputs": [{"name": "../../../secret/same.out"}]}
    report = file_transfer.place_transferred_outputs(ReportKey(launch, 1, 1), told)
    assert (report["outcome"], report["reason"], report["outputs"]) == ("failed", "stage_out", [])
    assert report["inputs"] == [{"id": 1, "outcome": "failed", "reason": "stage_out"}]
    assert not list(launch.glob("store/*"))
    assert (tmp_path / "secret/same.out").read_text() == "of others"
