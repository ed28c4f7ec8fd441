"""Launch directories are made whole or not at all, and what comes back is read with care."""

import json
from pathlib import Path
from typing import Any

import pytest

from batch import ReportKey
from batch.directory import Order, OrderChanged, Unit, directory_of, forget, prepare, reports


def order(mark: str = "m1", *, units: int = 2, command: str = "true") -> Order:
    return Order(mark, [command], "/store", [Unit(number) for number in range(units)])


def test_the_same_order_again_finds_the_directory_made(tmp_path: Path) -> None:
    directory = prepare(tmp_path, order())
    assert prepare(tmp_path, order()) == directory == directory_of(tmp_path, "m1")
    assert [path.name for path in directory.parent.iterdir()] == ["m1"]
    assert json.loads((directory / "launch.json").read_text())["command"] == ["true"]


def test_another_order_under_the_same_mark_is_refused(tmp_path: Path) -> None:
    prepare(tmp_path, order())
    for other in (order(command="false"), order(units=3)):
        with pytest.raises(OrderChanged):
            prepare(tmp_path, other)
    forget(tmp_path, "m1")
    prepare(tmp_path, order(units=3))


def test_a_prepare_that_failed_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "launches").write_text("in the way")
    with pytest.raises(OSError, match="launches"):
        prepare(tmp_path, order())
    with pytest.raises(ValueError, match="one number"):
        prepare(tmp_path / "x", Order("m", [], "/store", [Unit(1), Unit(1)]))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("mark", ["", "../up", "a/b", ".hidden", "a b", "x" * 201])
def test_a_mark_that_is_no_plain_name_is_refused(tmp_path: Path, mark: str) -> None:
    with pytest.raises(ValueError, match="mark"):
        prepare(tmp_path, order(mark))


def good() -> dict[str, Any]:
    return {
        **{"version": 1, "number": 1, "attempt": 1, "started": "", "ended": "", "host": "here"},
        **{"outcome": "succeeded", "reason": None, "exit_code": 0, "signal": None, "wall_s": 1.5},
        **{"cpu_s": 1, "memory_mb": 3.0, "inputs": [], "outputs": [], "log_tail": ""},
    }


def read(directory: Path, text: str) -> bool:
    (directory / "reports/1.1.json").write_text(text)
    key = ReportKey(directory, 1, 1)
    return key in reports([key, ReportKey(directory, 1, 2)])


OUTPUT: dict[str, Any] = {
    **{"name": "a", "path": "store/a", "size": 1, "checksum": "", "pattern": None, "parents": [7]},
    **{"events": None, "metadata": {}},
}


def test_an_output_says_of_which_inputs_and_other_outputs_it_was_made(tmp_path: Path) -> None:
    directory = prepare(tmp_path, order())
    good_ones: list[dict[str, Any]] = [{}, {"made_from": []}, {"made_from": ["b"]}]
    for more in good_ones:
        assert read(directory, json.dumps({**good(), "outputs": [OUTPUT | more]})), more
    wrong: list[dict[str, Any]] = [
        {"parents": ["a"]}, {"made_from": "b"}, {"made_from": [7]}, {"made_from": None}
    ]  # fmt: skip
    for change in wrong:
        assert not read(directory, json.dumps({**good(), "outputs": [OUTPUT | change]})), change


def test_a_report_of_the_wrong_shape_is_left_out(tmp_path: Path) -> None:
    directory = prepare(tmp_path, order())
    assert read(directory, json.dumps(good()))
    wrong: list[dict[str, Any]] = [
        {"version": 2},
        {"number": 2},
        {"attempt": 2},
        {"outcome": "fine"},
        {"wall_s": "1"},
    ]
    wrong += [{"inputs": [1]}, {"outputs": [{}]}, {"exit_code": True}, {"log_tail": None}]
    wrong += [{"log_tail": "\0"}, {"host": "\ud800"}, {"wall_s": float("nan")}, {"signal": 1 << 63}]
    for change in wrong:
        assert not read(directory, json.dumps({**good(), **change})), change
    for text in ("", "{", "[]", "null", "[" * 100_000, " " * 10_000_001):
        assert not read(directory, text)
