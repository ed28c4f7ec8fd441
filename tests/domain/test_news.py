"""Folding what batch systems say: late, doubled and disordered news never move anything backwards."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch import JobEvent
from domain.jobs import JobState
from domain.lineage import Made
from domain.news import JobNews, conclude, fold, outputs
from tests.domain.lineages import lineages

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STATES = st.sampled_from(list(JobState))


def item(number: int, attempt: int, state: JobState, seen: int) -> JobNews:
    return JobNews(7, number, attempt, state, seen)


@st.composite
def feeds(draw: st.DrawFn) -> list[JobNews]:
    """A feed as a batch system writes it: attempts grow, places grow."""
    feed: list[JobNews] = []
    attempts: dict[int, int] = {}
    for seen in range(draw(st.integers(0, 30))):
        number = draw(st.integers(1, 3))
        attempts[number] = attempts.get(number, 0) + draw(st.integers(0, 1))
        feed.append(item(number, attempts[number], draw(STATES), seen))
    return feed


def applied(jobs: dict[tuple[int, int], JobNews], news: list[JobNews]) -> None:
    """What the statement does with the jobs of a batch."""
    for new in fold(news)[0]:
        old = jobs.get(new.key)
        if old is None or (
            old.seen < new.seen and old.attempt <= new.attempt and not old.state.is_over
        ):
            jobs[new.key] = new


@given(feeds(), st.data())
def test_batches_however_cut_and_doubled_end_the_same(feed: list[JobNews], data: Any) -> None:
    whole: dict[tuple[int, int], JobNews] = {}
    applied(whole, feed)
    cut: dict[tuple[int, int], JobNews] = {}
    at = 0
    while at < len(feed):
        size = data.draw(st.integers(1, 5))
        back = data.draw(st.integers(0, at))
        applied(cut, feed[back : at + size])
        at += size
    assert {k: (v.state, v.attempt) for k, v in whole.items()} == {
        k: (v.state, v.attempt) for k, v in cut.items()
    }


@given(feeds())
def test_doubling_and_reversing_a_batch_changes_nothing(feed: list[JobNews]) -> None:
    assert fold(feed) == fold([*feed, *reversed(feed)])


def test_news_say_what_events_say_in_the_same_order() -> None:
    # They are copied by their places.
    assert JobNews._fields[5:15] == JobEvent._fields[6:]
    assert JobNews._fields[10:16] == (*JobEvent._fields[11:], "started_at")


def test_an_end_is_the_end() -> None:
    news = [item(1, 1, JobState.SUCCEEDED, 1), item(1, 2, JobState.RUNNING, 2)]
    assert fold(news)[0][0].state is JobState.SUCCEEDED


def test_what_is_known_of_an_attempt_stays_when_later_news_do_not_say_it() -> None:
    started = item(1, 1, JobState.RUNNING, 1)._replace(site="here", started_at=NOW)
    (job,), _ = fold([started, item(1, 1, JobState.SUCCEEDED, 2)])
    assert (job.site, job.started_at, job.state) == ("here", NOW, JobState.SUCCEEDED)


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED])
def test_a_job_without_a_report_has_failed_whatever_its_exit_code(state: JobState) -> None:
    told = conclude(item(1, 1, state, 1), None)
    assert (told.state, told.reason) == (JobState.FAILED, "no_report")


def test_a_limit_is_the_reason_even_where_the_payload_saw_only_a_signal() -> None:
    killed = item(1, 1, JobState.FAILED, 1)._replace(code=34)
    told = conclude(killed, {"outcome": "failed", "reason": "signal", "signal": 15})
    assert (told.reason, told.signal) == ("memory", 15)


def test_a_removed_job_stays_removed() -> None:
    told = conclude(item(1, 1, JobState.REMOVED, 1), {"outcome": "succeeded"})
    assert told.state is JobState.REMOVED


def inputs_of(made: dict[str, Made], name: str) -> set[int]:
    """All inputs from which an output comes, in however many steps."""
    return set(made[name].parents).union(
        *(inputs_of(made, other) for other in made[name].made_from)
    )


@given(lineages(), st.frozensets(st.integers(1, 3)), st.booleans())
def test_an_output_counts_if_all_it_comes_from_was_done_here(
    made: dict[str, Made], done: frozenset[int], well: bool
) -> None:
    told = [
        {"name": n, "parents": one.parents, "made_from": one.made_from} for n, one in made.items()
    ]
    news = item(1, 1, JobState.SUCCEEDED if well else JobState.FAILED, 1)
    for output in outputs(news, {"outputs": told}, done):
        inputs = inputs_of(made, output["name"])
        counts = inputs <= done if inputs else well
        assert output["state"] == ("declared" if counts else "superseded")
