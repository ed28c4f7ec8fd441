"""Work units: every file in one, none over its bounds, and no two that make the same events."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.submissions.units import (
    MOST_EPOCHS,
    JobBounds,
    JobDivision,
    list_job_starts,
    make_identity,
)

WEIGHTS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=40)
BOUNDS = st.builds(
    JobBounds, st.integers(1, 10), st.none() | st.integers(1, 30), st.none() | st.integers(1, 30)
)


def divide_weights(weights: Sequence[tuple[int, int]], bounds: JobBounds, pages: int) -> list[int]:
    division = JobDivision(bounds)
    for low in range(0, len(weights), pages):
        division.add(weights[low : low + pages])
    return division.starts


def is_within_bounds(unit: Sequence[tuple[int, int]], bounds: JobBounds) -> bool:
    return (
        len(unit) <= bounds.files
        and sum(w[0] for w in unit) <= (bounds.bytes or 10**9)
        and sum(w[1] for w in unit) <= (bounds.events or 10**9)
    )


@given(WEIGHTS, BOUNDS, st.integers(1, 50))
def test_each_job_takes_the_next_files_while_they_fit(
    weights: list[tuple[int, int]], bounds: JobBounds, pages: int
) -> None:
    found = divide_weights(weights, bounds, pages)
    ends = [*found, len(weights)]
    units = [weights[low:high] for low, high in pairwise(ends)]
    assert [w for unit in units for w in unit] == weights
    for n, unit in enumerate(units):
        assert len(unit) == 1 or is_within_bounds(unit, bounds)
        if n + 1 < len(units):
            assert not is_within_bounds([*unit, units[n + 1][0]], bounds)


@given(st.integers(0, 60), st.integers(1, 10))
def test_where_only_their_number_is_bounded_nothing_is_weighed(files: int, per_job: int) -> None:
    assert list_job_starts(files, per_job) == divide_weights(
        [(7, 7)] * files, JobBounds(per_job), 13
    )


EPOCHS = st.integers(1, MOST_EPOCHS).flatmap(lambda epoch: st.sampled_from([epoch, -epoch]))
WHO = st.tuples(st.integers(1, 10**6), EPOCHS, st.integers(0, 2**31 - 2))


@given(WHO, WHO, st.integers(1, 10**9))
def test_no_two_units_have_a_seed_or_a_run_with_its_subrun_in_common(
    a: tuple[int, int, int], b: tuple[int, int, int], events: int
) -> None:
    one, other = make_identity(*a, events), make_identity(*b, events)
    assert (one.seed == other.seed) is (a == b)
    assert ((one.run, one.subrun) == (other.run, other.subrun)) is (a == b)
    assert max(one.seed, other.seed) < 2**63
    assert max(one.run, one.subrun) < 2**31


@pytest.mark.parametrize("epoch", [1, MOST_EPOCHS, -1, -MOST_EPOCHS])
def test_event_numbers_go_on_from_unit_to_unit(epoch: int) -> None:
    one, other = make_identity(3, epoch, 4, 100), make_identity(3, epoch, 5, 100)
    assert one.first_event + one.events == other.first_event
