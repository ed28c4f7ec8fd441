"""What follows when a submission is over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.advances import GIVE_UP_S, LAST_LOOK_S, Member, look_again_s, made_up, may_fire, turns
from domain.recovery import Entry, Turn
from domain.submissions import SubmissionState as State

ENTRIES = [Entry("consumed_status", rounds=2), Entry("consumed_status", rounds=1)]


@pytest.mark.parametrize(
    ("last", "next_ones"),
    [
        (None, [Turn(0, 0), Turn(1, 0)]),
        (Turn(0, 0), [Turn(0, 1), Turn(1, 0)]),
        (Turn(0, 1), [Turn(1, 0)]),
        (Turn(1, 0), []),
    ],
)
def test_recoveries_follow_their_list_round_by_round(
    last: Turn | None, next_ones: list[Turn]
) -> None:
    assert [turn for _, turn in turns(ENTRIES, last)] == next_ones


@given(st.lists(st.integers(1, 3), max_size=4))
def test_no_turn_comes_twice_and_the_list_has_an_end(rounds: list[int]) -> None:
    given_ = [Entry("consumed_status", rounds=n) for n in rounds]
    seen: list[Turn] = []
    last: Turn | None = None
    while found := turns(given_, last):
        last = found[0][1]
        seen.append(last)
    assert len(seen) == len(set(seen)) == sum(rounds)


@pytest.mark.parametrize(
    ("family", "fires"),
    [
        pytest.param([Member(State.LOCATED, True)], True, id="located, nothing to recover"),
        pytest.param([Member(State.COMPLETED, True)], False, id="not located"),
        pytest.param([Member(State.LOCATED, False)], False, id="fact 31: recovery undecided"),
        pytest.param(
            [Member(State.LOCATED, True), Member(State.RUNNING, False)], False,
            id="fact 31: a recovery runs",
        ),
        pytest.param(
            [Member(State.LOCATED, True), Member(State.FAILED, True)], True,
            id="the last recovery failed, and the origin was enough",
        ),
    ],
)  # fmt: skip
def test_dependents_wait_for_recoveries(family: list[Member], fires: bool) -> None:
    assert may_fire(family[0], family) is fires


def test_what_later_recoveries_did_makes_up_for_an_earlier_one() -> None:
    origin = Member(State.LOCATED, True)
    left = Member(State.COMPLETED, True, is_recovery=True)
    assert made_up(left, origin)
    assert not made_up(Member(State.COMPLETED, True, is_recovery=True, missing=1), origin)
    assert not made_up(left, Member(State.COMPLETED, True))


@given(st.floats(0, 10 * GIVE_UP_S))
def test_one_looks_ever_less_often_and_not_for_ever(age: float) -> None:
    pause = look_again_s(age)
    assert (pause is None) == (age > GIVE_UP_S)
    assert pause is None or 1 <= pause <= LAST_LOOK_S
