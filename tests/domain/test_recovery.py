"""Which files a recovery takes, what it may use, and when it is worth it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns.splits.late_files import LateRange, find_later_files
from domain.campaigns.splits.reading import parse_split
from domain.recovery.recovery_decisions import RecoveryDecision, decide_recovery, multiply_resources
from domain.recovery.verdicts import (
    EVERYTHING,
    KINDS,
    TAKEN,
    ElsewhereState,
    FileFacts,
    RecoveryVerdict,
    decide_verdict,
    tabulate_verdicts,
)
from domain.setup.recovery_rules import RecoveryRule, list_rule_problems, read_recovery_rule
from domain.setup.resources import MOST_RESOURCE
from domain.submissions.file_states import Delivery, Outcome

FACTS = st.sampled_from(EVERYTHING)
NOT_DONE = FileFacts(Delivery.WAITING, Outcome.NONE, False, False, ElsewhereState.NOWHERE, False)
FAILED = FileFacts(Delivery.CONSUMED, Outcome.FAILED, False, False, ElsewhereState.NOWHERE, False)
LOST = FileFacts(Delivery.DELIVERED, Outcome.FAILED, False, False, ElsewhereState.NOWHERE, False)
SKIPPED = FileFacts(Delivery.SKIPPED, Outcome.NONE, True, False, ElsewhereState.NOWHERE, False)
CRASHED = FileFacts(Delivery.CONSUMED, Outcome.DONE, False, True, ElsewhereState.NOWHERE, False)
ORPHAN = FileFacts(Delivery.CONSUMED, Outcome.DONE, True, False, ElsewhereState.NOWHERE, False)
DONE = FileFacts(Delivery.CONSUMED, Outcome.DONE, True, True, ElsewhereState.NOWHERE, False)
ADDED = FileFacts(Delivery.WAITING, Outcome.NONE, True, False, ElsewhereState.NOWHERE, True)


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
def test_each_type_takes_its_files(kind: str, taken: set[FileFacts]) -> None:
    known = {NOT_DONE, FAILED, LOST, SKIPPED, CRASHED, ORPHAN, DONE}
    assert {facts for facts in known if decide_verdict(kind, facts) in TAKEN} == taken
    assert (decide_verdict(kind, ADDED) is RecoveryVerdict.ADDED) == (KINDS[kind].takes(ADDED))


@given(st.sampled_from(sorted(KINDS)), FACTS)
def test_what_is_live_or_done_elsewhere_no_type_takes(kind: str, facts: FileFacts) -> None:
    why = decide_verdict(kind, facts)
    assert (why is RecoveryVerdict.LIVE_ELSEWHERE) == (facts.elsewhere is ElsewhereState.LIVE)
    assert facts.elsewhere is ElsewhereState.NOWHERE or why not in TAKEN


@given(st.sampled_from(sorted(KINDS)), FACTS)
def test_a_reason_says_whether_the_file_is_taken(kind: str, facts: FileFacts) -> None:
    takes = KINDS[kind].takes(facts) and facts.elsewhere is ElsewhereState.NOWHERE
    assert (decide_verdict(kind, facts) in TAKEN) == takes


@given(st.sampled_from(sorted(KINDS)), FACTS)
def test_what_is_not_looked_up_changes_no_verdict(kind: str, facts: FileFacts) -> None:
    """The database says that jobs succeeded and that nothing was made where a type asks neither."""
    asked = KINDS[kind]
    seen = FileFacts(
        facts.delivery, facts.outcome,
        facts.succeeded if asked.asks_jobs else True, facts.has_outputs if asked.asks_outputs else False,
        facts.elsewhere, facts.added,
    )  # fmt: skip
    assert decide_verdict(kind, seen) is decide_verdict(kind, facts)


def test_the_table_that_the_database_gets_is_the_whole_rule() -> None:
    for kind in KINDS:
        table = tabulate_verdicts(kind)
        assert len(table) == len(EVERYTHING)
        assert all(table[facts.key] is decide_verdict(kind, facts) for facts in EVERYTHING)


@pytest.mark.parametrize(
    ("taken", "result"),
    [
        (0, RecoveryDecision.NOTHING), (4, RecoveryDecision.TOO_LITTLE),
        (5, RecoveryDecision.LAUNCH), (50, RecoveryDecision.LAUNCH),
        (51, RecoveryDecision.TOO_MUCH),
    ],
)  # fmt: skip
def test_a_recovery_is_worth_it_from_its_least_to_its_most_share(
    taken: int, result: RecoveryDecision
) -> None:
    assert (
        decide_recovery(RecoveryRule("failed", least_share=5, most_share=50), taken, 100) is result
    )


def test_factors_grow_with_each_round_up_to_sixteen_times() -> None:
    given_ = {"memory_mb": 2000, "walltime_s": 100, "cpus": 1}
    factors = {"memory_mb": 1.5, "walltime_s": 10.0}
    assert multiply_resources(given_, factors, 0) == {
        "memory_mb": 3000,
        "walltime_s": 1000,
        "cpus": 1,
    }
    assert multiply_resources(given_, factors, 1) == {
        "memory_mb": 4500,
        "walltime_s": 1600,
        "cpus": 1,
    }


@given(st.integers(1, MOST_RESOURCE), st.floats(0.1, 10), st.integers(0, 9))
def test_a_grown_resource_is_one_that_a_stage_may_have(
    value: int, factor: float, round_: int
) -> None:
    assert (
        1 <= multiply_resources({"cpus": value}, {"cpus": factor}, round_)["cpus"] <= MOST_RESOURCE
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "none"}, {"rounds": 0}, {"rounds": True}, {"depth": 2}, {"patterns": ["*"]}, {"least_share": 101},
        {"least_share": 60, "most_share": 50}, {"factors": {"memory_mb": 11}}, {"factors": {"gpus": 2}},
        {"factors": {"cpus": True}}, {"factors": {"cpus": float("nan")}}, {"overrides": [["a"]]}, {"patterns": "*"},
    ],
)  # fmt: skip
def test_what_can_not_be_a_recovery_is_said(wrong: dict[str, object]) -> None:
    assert list_rule_problems([{"type": "failed"} | wrong])


def test_a_stored_recovery_is_read_whole() -> None:
    stored = {"type": "pending_files", "patterns": ["*.root"], "depth": 2, "factors": {"cpus": 2}}
    assert list_rule_problems([stored]) == []
    assert read_recovery_rule(stored) == RecoveryRule(
        "pending_files", patterns=["*.root"], depth=2, factors={"cpus": 2}
    )


@pytest.mark.parametrize(
    ("split", "key", "found"),
    [
        ("byrun", "7", LateRange(0, 9, run=7)),
        ("draining", None, LateRange(5, 9)),
        ("limitn(6)", None, LateRange(5, 6)),
        ("nfiles(2)", None, None),
        ("byexistingruns", "7@3", None),
        ("mod(3)", "1/3", None),
        ("new", "0..60", None),
        ("byrun", "1/3", None),
    ],
)
def test_which_slices_can_get_files_later(
    split: str, key: str | None, found: LateRange | None
) -> None:
    assert find_later_files(parse_split(split), key, then=5, head=9) == found
