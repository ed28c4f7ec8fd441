"""What follows when a submission is over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.recovery.advances import (
    GIVE_UP_S,
    LAST_LOOK_S,
    FamilyMember,
    is_compensated,
    list_turns,
    look_again_s,
    may_fire,
)
from domain.recovery.recovery_decisions import RecoveryTurn
from domain.setup.recovery_rules import RecoveryRule
from domain.submissions.submissions import SubmissionState as State

ENTRIES = [RecoveryRule("consumed_status", rounds=2), RecoveryRule("consumed_status", rounds=1)]


@pytest.mark.parametrize(
    ("last", "next_ones"),
    [
        (None, [RecoveryTurn(0, 0), RecoveryTurn(1, 0)]),
        (RecoveryTurn(0, 0), [RecoveryTurn(0, 1), RecoveryTurn(1, 0)]),
        (RecoveryTurn(0, 1), [RecoveryTurn(1, 0)]),
        (RecoveryTurn(1, 0), []),
    ],
)
def test_recoveries_follow_their_list_round_by_round(
    last: RecoveryTurn | None, next_ones: list[RecoveryTurn]
) -> None:
    assert [turn for _, turn in list_turns(ENTRIES, last)] == next_ones


@given(st.lists(st.integers(1, 3), max_size=4))
def test_no_turn_comes_twice_and_the_list_has_an_end(rounds: list[int]) -> None:
    given_ = [RecoveryRule("consumed_status", rounds=n) for n in rounds]
    seen: list[RecoveryTurn] = []
    last: RecoveryTurn | None = None
    while found := list_turns(given_, last):
        last = found[0][1]
        seen.append(last)
    assert len(seen) == len(set(seen)) == sum(rounds)


@pytest.mark.parametrize(
    ("family", "fires"),
    [
        pytest.param([FamilyMember(State.LOCATED, True)], True, id="located, nothing to recover"),
        pytest.param([FamilyMember(State.COMPLETED, True)], False, id="not located"),
        pytest.param([FamilyMember(State.LOCATED, False)], False, id="fact 31: recovery undecided"),
        pytest.param(
            [FamilyMember(State.LOCATED, True), FamilyMember(State.RUNNING, False)], False,
            id="fact 31: a recovery runs",
        ),
        pytest.param(
            [FamilyMember(State.LOCATED, True), FamilyMember(State.FAILED, True)], True,
            id="the last recovery failed, and the origin was enough",
        ),
    ],
)  # fmt: skip
def test_dependents_wait_for_recoveries(family: list[FamilyMember], fires: bool) -> None:
    assert may_fire(family[0], family) is fires


def test_what_later_recoveries_did_makes_up_for_an_earlier_one() -> None:
    origin = FamilyMember(State.LOCATED, True)
    left = FamilyMember(State.COMPLETED, True, is_recovery=True)
    assert is_compensated(left, origin)
    assert not is_compensated(
        FamilyMember(State.COMPLETED, True, is_recovery=True, missing=1), origin
    )
    assert not is_compensated(left, FamilyMember(State.COMPLETED, True))


@given(st.floats(0, 10 * GIVE_UP_S))
def test_one_looks_ever_less_often_and_not_for_ever(age: float) -> None:
    pause = look_again_s(age)
    assert (pause is None) == (age > GIVE_UP_S)
    assert pause is None or 1 <= pause <= LAST_LOOK_S
