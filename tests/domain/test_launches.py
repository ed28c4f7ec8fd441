"""Launches that begin again do so at once, and then ever less often."""

from domain.launching.launches import LAST_S, begin_again_s


def test_who_is_refused_again_and_again_waits_ever_longer_and_never_for_ever() -> None:
    waits = [begin_again_s(attempts) for attempts in range(1, 2000)]
    assert waits[:5] == [0, 0, 10, 20, 40]
    assert waits == sorted(waits)
    assert waits[-1] == LAST_S
