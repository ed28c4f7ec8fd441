"""Reports as they count: what is odd in one field costs that field, what can't be understood the job, nothing more."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.submissions.reports import BAD_REPORT, MOST_LOG, limit_report

OUTPUT: dict[str, Any] = {
    **{"name": "a", "path": "/s/a", "size": 1, "checksum": "sha256:0"},
    **{"parents": [7], "made_from": [], "events": 3, "metadata": {"k": 1}},
}
INPUT = {"id": 7, "name": "x", "delivery": "consumed", "outcome": "done", "reason": None}
GOOD: dict[str, Any] = {
    **{"version": 1, "number": 1, "attempt": 1, "host": "here", "log_tail": "log"},
    **{"started": "2026-01-01T00:00:00+00:00", "ended": "2026-01-01T00:00:01+00:00"},
    **{"outcome": "succeeded", "reason": None, "exit_code": 0, "signal": None, "wall_s": 1.5},
    **{"cpu_s": 1.0, "memory_mb": 3.0, "inputs": [INPUT], "outputs": [OUTPUT]},
}
HUGE = 10**400


def limit_good_report(**change: Any) -> dict[str, Any]:
    return limit_report({**GOOD, **change}, 1, 1)


def test_what_a_payload_writes_counts_as_it_is() -> None:
    told = limit_good_report()
    ours = {k: v for k, v in GOOD.items() if k not in ("version", "number")}
    assert told == ours


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("exit_code", 1 << 31), ("exit_code", -HUGE), ("exit_code", True), ("exit_code", "0"), ("exit_code", 1.0),
        ("signal", 1 << 63), ("signal", []), ("wall_s", math.nan), ("wall_s", math.inf), ("wall_s", -1.0),
        ("cpu_s", HUGE), ("cpu_s", 1e300), ("memory_mb", "1"), ("memory_mb", True), ("host", 7), ("reason", {}),
        ("started", "yesterday"), ("ended", "2026-01-01T00:00:00"), ("ended", "9999-12-31T23:59:59-23:00"),
        ("log_tail", []),
    ],
)  # fmt: skip
def test_what_is_odd_in_one_field_is_left_out_and_noted(name: str, value: Any) -> None:
    told = limit_good_report(**{name: value})
    assert told == {k: v for k, v in limit_good_report().items() if k != name} | {
        "log_tail": f"{'' if name == 'log_tail' else 'log'}{told['log_tail'][-len(find_note(told)) :]}"
    }
    assert find_note(told).startswith(f"\n[POMS: {name} is no ")


def find_note(told: dict[str, Any]) -> str:
    return str(told["log_tail"][told["log_tail"].index("\n[POMS") :])


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("host", "\0a\ud800", "\ufffda\ufffd"),
        ("reason", "x" * 1000, "x" * 200),
        ("log_tail", "begin" + "x" * MOST_LOG, "x" * MOST_LOG),
        ("log_tail", "\0", "\ufffd"),
    ],
)
def test_texts_are_cut_and_made_storable(name: str, value: str, kept: str) -> None:
    told = limit_good_report(**{name: value})
    assert told[name].startswith(kept)
    assert find_note(told).startswith(
        f"\n[POMS: {name} is too long, or not to be stored as it is: changed"
    )
    assert told["outcome"] == "succeeded"


DEEP: Any = json.loads("[" * 60 + "]" * 60)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, HUGE, "\0", {"\ud800": 1}, DEEP, [[{"a": -HUGE}]]]
)
def test_metadata_lose_what_nobody_can_keep(value: Any) -> None:
    (output,) = limit_good_report(outputs=[OUTPUT | {"metadata": {"good": 1, "bad": value}}])[
        "outputs"
    ]
    assert output == OUTPUT | {"metadata": {"good": 1}}


@pytest.mark.parametrize(
    "value", [1 << 63, -(1 << 64), 10**307, 1.7e308, 5e-324, [[[]]], "\U0001f600"]
)
def test_metadata_keep_what_a_database_can(value: Any) -> None:
    told = limit_good_report(outputs=[OUTPUT | {"metadata": {"k": value}}])
    assert told["outputs"][0]["metadata"] == {"k": value}
    assert told["log_tail"] == "log"


@pytest.mark.parametrize("events", [-1, 10**14, 1.5, "3", True])
def test_a_number_of_events_that_could_not_be_is_left_out(events: Any) -> None:
    told = limit_good_report(outputs=[OUTPUT | {"events": events}])
    assert told["outputs"] == [{k: v for k, v in OUTPUT.items() if k != "events"}]
    assert "events is no whole number" in told["log_tail"]


def test_an_input_that_is_told_of_twice_has_its_first_fate() -> None:
    twice = [INPUT, INPUT | {"outcome": "failed"}]
    told = limit_good_report(inputs=twice)
    assert [fate["outcome"] for fate in told["inputs"]] == ["done"]
    assert "input 7 is told of twice" in told["log_tail"]


WRONG_INPUTS: list[dict[str, Any]] = [
    {"id": 0}, {"id": 1 << 63}, {"id": True}, {"id": "7"}, {"delivery": "lost"}, {"outcome": []}, {"outcome": None},
]  # fmt: skip
WRONG_OUTPUTS: list[dict[str, Any]] = [
    {"name": "x" * 256}, {"name": "\u00e4" * 200}, {"name": "\0"}, {"name": None}, {"name": "\ud800"},
    {"path": "x" * 5000}, {"path": 7}, {"size": -1}, {"size": 1 << 63}, {"size": 1.0}, {"size": True},
    {"checksum": None}, {"checksum": "x" * 2000}, {"parents": None}, {"parents": ["a"]}, {"parents": [1 << 63]},
    {"parents": [True]}, {"parents": [7] * 100_001}, {"made_from": "b"}, {"made_from": [7]}, {"made_from": None},
]  # fmt: skip
WRONG: list[dict[str, Any]] = [
    {"version": 2}, {"version": True}, {"number": 2}, {"attempt": "1"}, {"attempt": True}, {"outcome": "fine"},
    {"outcome": []}, {"inputs": None}, {"inputs": {}}, {"inputs": [1]}, {"inputs": [INPUT] * 100_001},
    {"outputs": 1}, {"outputs": [{}]}, {"outputs": [None]}, {"outputs": [OUTPUT, OUTPUT]},
    {"outputs": [OUTPUT] * 10_001},
    *({"inputs": [INPUT | x]} for x in WRONG_INPUTS), *({"outputs": [OUTPUT | x]} for x in WRONG_OUTPUTS),
]  # fmt: skip


@pytest.mark.parametrize("change", WRONG)
def test_what_can_not_be_understood_fails_the_job_and_says_why(change: dict[str, Any]) -> None:
    told = limit_good_report(**change)
    assert (told["outcome"], told["reason"]) == ("failed", BAD_REPORT)
    assert (told["inputs"], told["outputs"]) == ([], [])
    assert "[POMS: the report can't count: " in told["log_tail"]


def test_ancestors_that_nobody_could_write_down_are_not_counted_out() -> None:
    """A report of half a MB would have more than ten million of them."""
    first = OUTPUT | {"parents": [*range(1, 5001)]}
    others = [OUTPUT | {"name": f"o{n}", "parents": [], "made_from": ["a"]} for n in range(3000)]
    told = limit_good_report(outputs=[first, *others])
    assert told["reason"] == BAD_REPORT
    assert "ancestors" in told["log_tail"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=10,
)
NAMES = st.sampled_from([*GOOD, *OUTPUT, *INPUT])


@given(st.dictionaries(NAMES, JSON), st.dictionaries(NAMES, JSON), st.dictionaries(NAMES, JSON))
def test_nothing_that_is_json_is_too_much(
    top: dict[str, Any], made: dict[str, Any], fate: dict[str, Any]
) -> None:
    told = limit_good_report(**{"inputs": [INPUT | fate], "outputs": [OUTPUT | made], **top})
    assert told["outcome"] in ("succeeded", "failed")
    text = json.dumps(told, allow_nan=False, ensure_ascii=False)
    assert "\0" not in text
    text.encode()
