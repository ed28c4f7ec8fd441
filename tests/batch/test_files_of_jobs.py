"""What jobs put where we read never keeps us: a pipe, a device, a folder or a link is as if nothing were there."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batch import Launch, ReportKey
from batch.directory import LaunchOrder, LaunchUnit, prepare_directory, read_reports
from batch.files import NotPlainError, open_plain, read_plain
from batch.htcondor import file_transfer
from batch.htcondor.feed import HTCondorFeed, is_told_of
from batch.htcondor.order import locate_event_log, locate_returned_files
from batch.htcondor.sandbox_transfer import _place_returned_files
from batch.local.attempts import clean_attempt, read_ending
from batch.slurm.order import note_record, read_record
from batch.slurm.vanished import _read_last_start
from domain.setup.resources import Resources
from lanes import Lane
from tests.batch.test_directory import make_good_report

Tamper = Callable[[Path], None]


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_folder(path: Path) -> None:
    path.mkdir()


def make_link(path: Path) -> None:
    (path.parent / "elsewhere").write_text("{}")
    path.symlink_to("elsewhere")


KINDS = [make_pipe, make_device, make_folder, make_link]


async def run_in_time(work: Callable[[], Any]) -> Any:
    """What hangs fails here, and costs a thread that dies with the tests."""
    return await Lane("tests", 20).call(work)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return prepare_directory(
        tmp_path,
        LaunchOrder("m1", ["true"], str(tmp_path / "store"), [LaunchUnit(1), LaunchUnit(2)]),
    )


@pytest.mark.parametrize("tamper", KINDS)
async def test_only_a_plain_file_is_opened(tmp_path: Path, tamper: Tamper) -> None:
    tamper(tmp_path / "x")
    with pytest.raises(NotPlainError):
        await run_in_time(lambda: open_plain(tmp_path / "x"))


def test_a_file_is_read_only_as_long_as_it_may_be(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    assert read_plain(tmp_path / "x", 5) == b"12345"
    with pytest.raises(NotPlainError, match="more than 4 bytes"):
        read_plain(tmp_path / "x", 4)
    with pytest.raises(FileNotFoundError):
        read_plain(tmp_path / "y", 4)


@pytest.mark.parametrize("tamper", KINDS)
async def test_what_is_no_plain_file_is_the_report_of_a_failed_job(
    directory: Path, tamper: Tamper
) -> None:
    tamper(directory / "reports/1.1.json")
    (directory / "reports/2.1.json").write_text(json.dumps(make_good_report() | {"number": 2}))
    keys = [ReportKey(directory, number, 1) for number in (1, 2)]
    found = await run_in_time(lambda: read_reports(keys))
    assert [found[key].get("reason") for key in keys] == ["bad_report", None]


@pytest.mark.parametrize("tamper", KINDS)
async def test_a_job_that_replaces_where_its_starts_are_noted_has_none(
    directory: Path, tamper: Tamper
) -> None:
    tamper(directory / "starts/1.jsonl")
    assert await run_in_time(lambda: _read_last_start(directory, 1)) == 0


@pytest.mark.parametrize("tamper", KINDS)
async def test_a_log_of_htcondor_that_is_none_tells_nothing_and_others_are_read(
    directory: Path, tamper: Tamper, tmp_path: Path
) -> None:
    other = prepare_directory(
        tmp_path, LaunchOrder("m2", ["true"], str(tmp_path / "store"), [LaunchUnit(1)])
    )
    for place in (directory, other):
        locate_event_log(place).parent.mkdir()
    tamper(locate_event_log(directory))
    locate_event_log(other).write_text(
        "000 (007.000.000) 2026-01-02 03:04:05 Job submitted from host\n...\n"
    )
    feed = HTCondorFeed(tmp_path / "htcondor")
    for mark, place in (("m1", directory), ("m2", other)):
        feed.enter(Launch(mark, place, [1], Resources(), "a/b"))
    batch = await run_in_time(lambda: feed.read(None, 100))
    assert {event.native_id for event in batch.events} == {"7"}
    assert await run_in_time(lambda: feed.clusters_of(directory)) == []
    assert not await run_in_time(lambda: is_told_of(locate_event_log(directory), 7))


@pytest.mark.parametrize("tamper", KINDS)
async def test_a_job_that_tampers_with_its_launch_has_failed(
    directory: Path, tamper: Tamper
) -> None:
    (directory / file_transfer.PACK).touch()
    told = make_good_report() | {"outputs": [{"name": "x.out"}]}
    (directory / "launch.json").unlink()
    tamper(directory / "launch.json")
    report = await run_in_time(
        lambda: file_transfer.collect_transferred_outputs(ReportKey(directory, 1, 1), told)
    )
    assert (report["outcome"], report["outputs"]) == ("failed", [])


@pytest.mark.parametrize("tamper", KINDS)
async def test_an_output_that_is_no_plain_file_is_not_brought(
    directory: Path, tamper: Tamper, tmp_path: Path
) -> None:
    (directory / file_transfer.PACK).touch()
    (directory / "outputs/1.1").mkdir(parents=True)
    tamper(directory / "outputs/1.1/x.out")
    told = make_good_report() | {"outputs": [{"name": "x.out"}]}
    report = await run_in_time(
        lambda: file_transfer.collect_transferred_outputs(ReportKey(directory, 1, 1), told)
    )
    assert (report["outcome"], report["reason"]) == ("failed", "stage_out")
    assert not (tmp_path / "store/x.out").exists()


async def test_reports_that_come_back_under_odd_names_count_only_as_their_jobs(
    directory: Path,
) -> None:
    back = locate_returned_files(directory)
    (back / "reports").mkdir(parents=True)
    for name in (
        "1.1",
        f"1.{'9' * 200}",
        "1.2147483648",
        "1.-2",
        "1.x",
        "1",
        "2.1",
        "x.1",
        "\u0661.1",
    ):
        (back / "reports" / f"{name}.json").write_text(json.dumps(make_good_report()))
    make_pipe(back / "reports/1.2.json")
    make_folder(back / "reports/1.0.json")
    found = await run_in_time(lambda: _place_returned_files(back, directory, {1}))
    assert found == {1: 2}
    report = await run_in_time(lambda: read_reports([ReportKey(directory, 1, 2)]))
    assert [told["reason"] for told in report.values()] == ["bad_report"]


@pytest.mark.parametrize("tamper", KINDS)
async def test_a_note_that_a_job_has_exchanged_is_not_read_and_no_link_is_written_through(
    directory: Path, tamper: Tamper
) -> None:
    (directory / "slurm").mkdir()
    tamper(directory / "slurm/record")
    note_record(directory, "state")
    with pytest.raises(OSError, match="plain"):
        await run_in_time(lambda: read_record(directory))


def test_a_note_is_written_where_it_belongs_and_once(directory: Path) -> None:
    (directory / "slurm").mkdir()
    (directory / "slurm/record").symlink_to(directory / "elsewhere")
    note_record(directory, "state")
    assert not (directory / "elsewhere").exists()
    (directory / "slurm/record").unlink()
    for state in ("first", "second"):
        note_record(directory, state)
    assert read_record(directory) == "first"


@pytest.mark.parametrize("tamper", KINDS)
async def test_the_runner_is_not_kept_by_what_a_job_left(tmp_path: Path, tamper: Tamper) -> None:
    attempt = tmp_path / "1.1.1"
    (attempt / "work").mkdir(parents=True)
    tamper(attempt / "exit.json")
    tamper(attempt / "work/job.log")
    assert await run_in_time(lambda: read_ending(str(attempt))) is None
    await run_in_time(lambda: clean_attempt(str(attempt), keep_log=True))
    shutil.rmtree(attempt)
