"""Plans are named by all that decides what runs, and say what of it is different."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from domain.launching.launch_plans import (
    Parts,
    PlanDifference,
    PlanPart,
    compute_plan_hash,
    list_differences,
    render_plan,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
PARTS = st.dictionaries(
    st.sampled_from(PlanPart), st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)
)


def fill_parts(parts: Parts) -> Parts:
    """Every part there, as real plans have them."""
    return {part: parts.get(part, {}) for part in PlanPart}


@given(PARTS, PARTS)
def test_two_plans_have_one_name_exactly_when_nothing_differs(a: Parts, b: Parts) -> None:
    assert (compute_plan_hash(fill_parts(a)) == compute_plan_hash(fill_parts(b))) is not bool(
        list_differences(a, b)
    )


@given(PARTS)
def test_a_plan_that_was_kept_is_the_same_plan(parts: Parts) -> None:
    kept = {
        PlanPart(k): v for k, v in reversed(orjson.loads(orjson.dumps(render_plan(parts))).items())
    }
    assert list_differences(parts, kept) == []
    assert compute_plan_hash(parts) == compute_plan_hash(kept)


def test_it_says_only_what_differs() -> None:
    then = {PlanPart.CURSOR: {"epoch": 1, "cursor": 4}, PlanPart.LIMITS: {"unfinished": 3}}
    now: Parts = {
        PlanPart.CURSOR: {"epoch": 1, "cursor": 8},
        PlanPart.FILES: {"files": 2},
        PlanPart.LIMITS: {"unfinished": None},
    }
    assert list_differences(then, now) == [
        PlanDifference(PlanPart.CURSOR, {"cursor": 4}, {"cursor": 8}),
        PlanDifference(PlanPart.FILES, {}, {"files": 2}),
        PlanDifference(PlanPart.LIMITS, {"unfinished": 3}, {"unfinished": None}),
    ]
