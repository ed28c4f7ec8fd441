"""Times of schedules where clocks are changed, and what becomes of turns that were missed."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.campaigns.schedules import (
    MOST_CAUGHT_UP,
    CatchUp,
    ScheduleError,
    decide_turn,
    find_next_time,
    iterate_times,
)

ZONES = (
    *("UTC", "Europe/Paris", "America/Chicago", "America/Sao_Paulo", "Asia/Kathmandu"),
    *("Australia/Lord_Howe", "Africa/Casablanca", "Asia/Gaza", "America/Havana"),
)
"""Changes at midnight, at two, by half an hour, around Ramadan, and none."""

zones, years = st.sampled_from(ZONES), st.integers(2005, 2035)
hours, minutes = st.integers(0, 23), st.integers(0, 59)


def list_times_of_year(cron: str, zone: str, year: int) -> list[datetime]:
    """All times of one year of the zone's clocks."""
    here = ZoneInfo(zone)
    before = datetime(year, 1, 1, tzinfo=here) - timedelta(seconds=1)
    end = datetime(year + 1, 1, 1, tzinfo=here)
    return list(takewhile(lambda t: t < end, iterate_times(cron, zone, before)))


def list_days(found: Iterable[datetime], zone: str) -> list[date]:
    return [time.astimezone(ZoneInfo(zone)).date() for time in found]


@given(zones, years, hours, minutes)
def test_a_time_of_day_comes_once_on_each_day(zone: str, year: int, hour: int, minute: int) -> None:
    found = list_days(list_times_of_year(f"{minute} {hour} * * *", zone, year), zone)
    everyday = [date(year, 1, 1) + timedelta(n) for n in range(366)]
    assert found == [day for day in everyday if day.year == year]


@settings(max_examples=8)
@given(zones, years, st.sampled_from([5, 10, 15, 20, 30]))
def test_what_comes_every_few_minutes_goes_by_time_that_passes(
    zone: str, year: int, step: int
) -> None:
    start = datetime(year, 3, 1, tzinfo=UTC)
    every = [start + timedelta(minutes=n) for n in range(1, 60 * 24 * 40)]
    fitting = [t for t in every if t.astimezone(ZoneInfo(zone)).minute % step == 0]
    found = iterate_times(f"*/{step} * * * *", zone, start)
    assert list(islice(found, len(fitting))) == fitting


@given(zones, years, hours, minutes, st.integers(0, 366 * 24 * 60))
def test_the_next_time_is_later_wherever_one_asks_from(
    zone: str, year: int, hour: int, minute: int, later: int
) -> None:
    cron = f"{minute} {hour} * * *"
    after = datetime(year, 1, 1, tzinfo=UTC) + timedelta(minutes=later)
    found = find_next_time(cron, zone, after)
    assert after < found
    assert not [t for t in list_times_of_year(cron, zone, year) if after < t < found]


def test_the_hour_that_comes_twice_and_the_one_that_does_not_come() -> None:
    asked_in_between = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    assert find_next_time("30 2 * * *", "Europe/Paris", asked_in_between).day == 26
    found = find_next_time("30 2 * * *", "Europe/Paris", datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert found == datetime(2026, 3, 29, 1, tzinfo=UTC)  # 3:00, when the clocks go on from 2:00


def test_each_second_hour_keeps_going_where_the_clocks_leave_one_out() -> None:
    def list_hours(cron: str, month: int, day: int) -> list[int]:
        found = islice(
            iterate_times(cron, "Europe/Paris", datetime(2026, month, day, 22, 30, tzinfo=UTC)), 5
        )
        return [time.astimezone(ZoneInfo("Europe/Paris")).hour for time in found]

    assert list_hours("0 */2 * * *", 3, 28) == [0, 3, 4, 6, 8]
    assert list_hours("0 */1 * * *", 3, 28) == list_hours("0 * * * *", 3, 28) == [0, 1, 3, 4, 5]
    assert list_hours("0 */2 * * *", 10, 24) == [2, 4, 6, 8, 10]
    assert list_hours("0 * * * *", 10, 24) == [1, 2, 2, 3, 4]


@pytest.mark.parametrize("cron", ["0 0 * * * *", "@daily", "* * * *", "", "0 */x * * *"])
def test_a_schedule_has_five_fields_that_can_be_read(cron: str) -> None:
    with pytest.raises(ScheduleError, match="Not a schedule"):
        find_next_time(cron, "UTC", datetime(2026, 1, 1, tzinfo=UTC))


DUE = datetime(2026, 5, 1, 6, tzinfo=UTC)


def list_launched_turns(policy: CatchUp, now: datetime) -> list[datetime]:
    """The hours whose turns are launched until the next one lies ahead."""
    found, due = [], DUE
    while due <= now:
        one = decide_turn("0 * * * *", "UTC", policy, due, now)
        found += [due] if one.launches else []
        due = one.next_at
    assert due == datetime(now.year, now.month, now.day, now.hour, tzinfo=UTC) + timedelta(hours=1)
    return found


def test_missed_turns_are_taken_as_the_policy_says() -> None:
    now = DUE + timedelta(hours=3, minutes=5)
    assert list_launched_turns(CatchUp.ONCE, now) == [DUE]
    assert list_launched_turns(CatchUp.ALL, now) == [DUE + timedelta(hours=n) for n in range(4)]
    assert list_launched_turns(CatchUp.SKIP, now) == []
    assert list_launched_turns(CatchUp.SKIP, DUE + timedelta(seconds=5)) == [DUE]


@given(st.integers(0, 5_000))
def test_however_many_were_missed_so_many_are_taken_at_most(missed: int) -> None:
    found = list_launched_turns(CatchUp.ALL, DUE + timedelta(hours=missed, minutes=1))
    assert len(found) == min(missed + 1, MOST_CAUGHT_UP)
    assert found[0] == DUE
