"""How far a clock is off, by readings around the other one's."""

import pytest

from domain.clocks import measure_offset


@pytest.mark.parametrize(
    ("before", "there", "after", "offset"),
    [(10, 11, 12, 0), (10, 10, 10, 0), (10, 13, 12, -1), (10, 7, 90, 3)],
)
def test_a_slow_answer_is_no_wrong_clock(
    before: float, there: float, after: float, offset: float
) -> None:
    assert measure_offset(before, there, after) == offset
