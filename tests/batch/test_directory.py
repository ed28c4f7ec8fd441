"""Launch directories are made whole or not at all, and what comes back is read with care."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from batch import ReportKey
from batch.directory import (
    LaunchOrder,
    LaunchUnit,
    OrderChanged,
    locate_launch_directory,
    locate_report,
    prepare_directory,
    read_reports,
    remove_launch_directory,
)
from domain.submissions.reports import BAD_REPORT


def make_order(mark: str = "m1", *, units: int = 2, command: str = "true") -> LaunchOrder:
    return LaunchOrder(mark, [command], "/store", [LaunchUnit(number) for number in range(units)])


def test_the_same_order_again_finds_the_directory_made(tmp_path: Path) -> None:
    directory = prepare_directory(tmp_path, make_order())
    assert (
        prepare_directory(tmp_path, make_order())
        == directory
        == locate_launch_directory(tmp_path, "m1")
    )
    assert [path.name for path in directory.parent.iterdir()] == ["m1"]
    assert json.loads((directory / "launch.json").read_text())["command"] == ["true"]


def test_another_order_under_the_same_mark_is_refused(tmp_path: Path) -> None:
    prepare_directory(tmp_path, make_order())
    for other in (make_order(command="false"), make_order(units=3)):
        with pytest.raises(OrderChanged):
            prepare_directory(tmp_path, other)
    remove_launch_directory(tmp_path, "m1")
    prepare_directory(tmp_path, make_order(units=3))


def test_a_prepare_that_failed_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "launches").write_text("in the way")
    with pytest.raises(OSError, match="launches"):
        prepare_directory(tmp_path, make_order())
    with pytest.raises(ValueError, match="one number"):
        prepare_directory(
            tmp_path / "x", LaunchOrder("m", [], "/store", [LaunchUnit(1), LaunchUnit(1)])
        )
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("mark", ["", "../up", "a/b", ".hidden", "a b", "x" * 201])
def test_a_mark_that_is_no_plain_name_is_refused(tmp_path: Path, mark: str) -> None:
    with pytest.raises(ValueError, match="mark"):
        prepare_directory(tmp_path, make_order(mark))


def make_good_report() -> dict[str, Any]:
    return {
        **{"version": 1, "number": 1, "attempt": 1, "started": "", "ended": "", "host": "here"},
        **{"outcome": "succeeded", "reason": None, "exit_code": 0, "signal": None, "wall_s": 1.5},
        **{"cpu_s": 1, "memory_mb": 3.0, "inputs": [], "outputs": [], "log_tail": ""},
    }


def read_first_report(directory: Path, text: str) -> Mapping[str, Any]:
    """The report of job 1 as it counts."""
    (directory / "reports/1.1.json").write_text(text)
    key = ReportKey(directory, 1, 1)
    return read_reports([key, ReportKey(directory, 1, 2)])[key]


OUTPUT: dict[str, Any] = {
    **{"name": "a", "path": "store/a", "size": 1, "checksum": "", "parents": [7]},
    **{"events": None, "metadata": {}},
}


def test_an_output_says_of_which_inputs_and_other_outputs_it_was_made(tmp_path: Path) -> None:
    directory = prepare_directory(tmp_path, make_order())
    good_ones: list[dict[str, Any]] = [{}, {"made_from": []}, {"made_from": ["b"]}]
    for more in good_ones:
        told = read_first_report(
            directory, json.dumps({**make_good_report(), "outputs": [OUTPUT | more]})
        )
        assert told["outputs"] == [{"made_from": []} | OUTPUT | more], more


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, " " * 10_000_001, "\xff"])
def test_a_report_that_is_none_is_one_of_a_failed_job_that_says_so(
    tmp_path: Path, text: str
) -> None:
    told = read_first_report(prepare_directory(tmp_path, make_order()), text)
    assert (told["outcome"], told["reason"], told["inputs"]) == ("failed", BAD_REPORT, [])
    assert "[POMS: the report can't count: " in told["log_tail"]


def test_a_report_that_is_no_file_or_not_ours_to_read_is_one_of_a_failed_job(
    tmp_path: Path,
) -> None:
    directory = prepare_directory(tmp_path, make_order())
    (directory / "reports/1.1.json").mkdir()
    key, nobody = ReportKey(directory, 1, 1), ReportKey(directory, 2, 1)
    found = read_reports([nobody, key])
    assert [*found] == [key]
    assert found[key]["reason"] == BAD_REPORT


def test_so_much_of_reports_is_read_at_once_and_the_others_are_left(tmp_path: Path) -> None:
    directory = prepare_directory(tmp_path, make_order())
    keys = [ReportKey(directory, number, 1) for number in range(1, 8)]
    large = {"name": "a", "path": "a", "size": 1, "checksum": "", "parents": []}
    for key in keys[1:]:  # the first has none
        metadata = {"text": "x" * 3_000_000}
        told = make_good_report() | {
            "number": key.number,
            "outputs": [large | {"metadata": metadata}],
        }
        Path(locate_report(key)).write_text(json.dumps(told))
    read_at_once, left = [], keys
    while left:
        found = read_reports(left)
        read_at_once.append([key.number for key in found])
        left = [*found.remaining]
    assert read_at_once == [[2, 3, 4], [5, 6, 7]]
