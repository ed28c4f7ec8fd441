"""What keeps launches from a batch system."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.batch.admission import AdmissionState, LaunchRate, explain_wait

NOW = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
S = timedelta(seconds=1)
OPEN = AdmissionState("pool", NOW, True, None, "", "", None, None, NOW)


def test_nothing_is_in_the_way_of_a_launch_to_a_system_that_is_well() -> None:
    assert explain_wait(OPEN, LaunchRate()) is None
    assert explain_wait(replace(OPEN, reachable=False), LaunchRate()) is None


def test_a_pause_is_said_with_who_and_why_before_all_else() -> None:
    paused = replace(OPEN, paused_by="ada", pause_reason="disks", opened_at=NOW, probe_at=NOW)
    assert explain_wait(paused, LaunchRate()) == "Waits: ada has paused pool: disks"


def test_while_a_circuit_is_open_one_launch_probes_when_it_is_time_and_the_system_answers() -> None:
    broken = replace(OPEN, fault="no answer", opened_at=NOW - 60 * S, probe_at=NOW + S)
    said = "Waits: pool is unavailable since 2031-05-04 03:01:01 UTC: no answer"
    assert explain_wait(broken, LaunchRate()) == said
    due = replace(broken, probe_at=NOW)
    assert explain_wait(due, LaunchRate()) is None
    assert explain_wait(replace(due, reachable=False), LaunchRate()) == said


@given(
    st.integers(1, 600),
    st.integers(1, 20),
    st.lists(st.timedeltas(min_value=timedelta(), max_value=5 * S), max_size=200),
)
def test_in_no_minute_more_are_launched_than_the_rate_and_those_at_once_allow(
    per_minute: int, at_once: int, pauses: list[timedelta]
) -> None:
    rate, now, due = LaunchRate(per_minute, at_once), NOW, NOW
    launched: list[datetime] = []
    for pause in pauses:
        now += pause
        if explain_wait(replace(OPEN, now=now, launch_at=due), rate) is None:
            due = max(due, now) + rate.apart  # as the database does
            launched.append(now)
    for at in launched:
        within = [other for other in launched if timedelta() <= other - at < timedelta(minutes=1)]
        assert len(within) <= per_minute + at_once
    if not pauses:
        return
    assert launched, "the first always goes"
