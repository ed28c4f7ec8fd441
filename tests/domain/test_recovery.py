"""Which files a recovery takes, what it may use, and when it is worth it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.files import Delivery, Outcome
from domain.jobs import MOST_RESOURCE
from domain.recovery import Entry, Worth, entry, grown, problems, worth
from domain.splits import parse
from domain.splits.later import Later, later
from domain.verdicts import EVERYTHING, KINDS, TAKEN, Elsewhere, Facts, Why, answers, verdict

FACTS = st.sampled_from(EVERYTHING)
NOT_DONE = Facts(Delivery.WAITING, Outcome.NONE, False, False, Elsewhere.NOWHERE, False)
FAILED = Facts(Delivery.CONSUMED, Outcome.FAILED, False, False, Elsewhere.NOWHERE, False)
LOST = Facts(Delivery.DELIVERED, Outcome.FAILED, False, False, Elsewhere.NOWHERE, False)
SKIPPED = Facts(Delivery.SKIPPED, Outcome.NONE, True, False, Elsewhere.NOWHERE, False)
CRASHED = Facts(Delivery.CONSUMED, Outcome.DONE, False, True, Elsewhere.NOWHERE, False)
ORPHAN = Facts(Delivery.CONSUMED, Outcome.DONE, True, False, Elsewhere.NOWHERE, False)
DONE = Facts(Delivery.CONSUMED, Outcome.DONE, True, True, Elsewhere.NOWHERE, False)
ADDED = Facts(Delivery.WAITING, Outcome.NONE, True, False, Elsewhere.NOWHERE, True)


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        ("consumed_status", {NOT_DONE, FAILED, LOST, SKIPPED}),
        ("process_status", {NOT_DONE, FAILED, LOST, SKIPPED, CRASHED}),
        ("delivered_not_consumed", {LOST, SKIPPED}),
        ("pending_files", {NOT_DONE, FAILED, LOST, SKIPPED, ORPHAN}),
        ("failed", {FAILED, LOST}),
        ("orphans", {ORPHAN}),
        ("all", {NOT_DONE, FAILED, LOST, SKIPPED, CRASHED, ORPHAN, DONE}),
        ("added_files", set()),
    ],
)
def test_each_type_takes_its_files(kind: str, taken: set[Facts]) -> None:
    known = {NOT_DONE, FAILED, LOST, SKIPPED, CRASHED, ORPHAN, DONE}
    assert {facts for facts in known if verdict(kind, facts) in TAKEN} == taken
    assert (verdict(kind, ADDED) is Why.ADDED) == (KINDS[kind].takes(ADDED))


@given(st.sampled_from(sorted(KINDS)), FACTS)
def test_what_is_live_or_done_elsewhere_no_type_takes(kind: str, facts: Facts) -> None:
    why = verdict(kind, facts)
    assert (why is Why.LIVE_ELSEWHERE) == (facts.elsewhere is Elsewhere.LIVE)
    assert facts.elsewhere is Elsewhere.NOWHERE or why not in TAKEN


@given(st.sampled_from(sorted(KINDS)), FACTS)
def test_a_reason_says_whether_the_file_is_taken(kind: str, facts: Facts) -> None:
    takes = KINDS[kind].takes(facts) and facts.elsewhere is Elsewhere.NOWHERE
    assert (verdict(kind, facts) in TAKEN) == takes


@given(st.sampled_from(sorted(KINDS)), FACTS)
def test_what_is_not_looked_up_changes_no_verdict(kind: str, facts: Facts) -> None:
    """The database says that jobs succeeded and that nothing was made where a type asks neither."""
    asked = KINDS[kind]
    seen = Facts(
        facts.delivery, facts.outcome,
        facts.succeeded if asked.asks_jobs else True, facts.made if asked.asks_outputs else False,
        facts.elsewhere, facts.added,
    )  # fmt: skip
    assert verdict(kind, seen) is verdict(kind, facts)


def test_the_table_that_the_database_gets_is_the_whole_rule() -> None:
    for kind in KINDS:
        table = answers(kind)
        assert len(table) == len(EVERYTHING)
        assert all(table[facts.key] is verdict(kind, facts) for facts in EVERYTHING)


@pytest.mark.parametrize(
    ("taken", "result"),
    [
        (0, Worth.NOTHING), (4, Worth.TOO_LITTLE), (5, Worth.LAUNCH), (50, Worth.LAUNCH), (51, Worth.TOO_MUCH),
    ],
)  # fmt: skip
def test_a_recovery_is_worth_it_from_its_least_to_its_most_share(taken: int, result: Worth) -> None:
    assert worth(Entry("failed", least_share=5, most_share=50), taken, 100) is result


def test_factors_grow_with_each_round_up_to_sixteen_times() -> None:
    given_ = {"memory_mb": 2000, "walltime_s": 100, "cpus": 1}
    factors = {"memory_mb": 1.5, "walltime_s": 10.0}
    assert grown(given_, factors, 0) == {"memory_mb": 3000, "walltime_s": 1000, "cpus": 1}
    assert grown(given_, factors, 1) == {"memory_mb": 4500, "walltime_s": 1600, "cpus": 1}


@given(st.integers(1, MOST_RESOURCE), st.floats(0.1, 10), st.integers(0, 9))
def test_a_grown_resource_is_one_that_a_stage_may_have(
    value: int, factor: float, round_: int
) -> None:
    assert 1 <= grown({"cpus": value}, {"cpus": factor}, round_)["cpus"] <= MOST_RESOURCE


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "none"}, {"rounds": 0}, {"rounds": True}, {"depth": 2}, {"patterns": ["*"]}, {"least_share": 101},
        {"least_share": 60, "most_share": 50}, {"factors": {"memory_mb": 11}}, {"factors": {"gpus": 2}},
        {"factors": {"cpus": True}}, {"factors": {"cpus": float("nan")}}, {"overrides": [["a"]]}, {"patterns": "*"},
    ],
)  # fmt: skip
def test_what_can_not_be_a_recovery_is_said(wrong: dict[str, object]) -> None:
    assert problems([{"type": "failed"} | wrong])


def test_a_stored_recovery_is_read_whole() -> None:
    stored = {"type": "pending_files", "patterns": ["*.root"], "depth": 2, "factors": {"cpus": 2}}
    assert problems([stored]) == []
    assert entry(stored) == Entry(
        "pending_files", patterns=["*.root"], depth=2, factors={"cpus": 2}
    )


@pytest.mark.parametrize(
    ("split", "key", "found"),
    [
        ("byrun", "7", Later(0, 9, run=7)),
        ("draining", None, Later(5, 9)),
        ("limitn(6)", None, Later(5, 6)),
        ("nfiles(2)", None, None),
        ("byexistingruns", "7@3", None),
        ("mod(3)", "1/3", None),
        ("new", "0..60", None),
        ("byrun", "1/3", None),
    ],
)
def test_which_slices_can_get_files_later(split: str, key: str | None, found: Later | None) -> None:
    assert later(parse(split), key, then=5, head=9) == found
