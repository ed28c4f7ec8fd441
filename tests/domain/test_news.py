"""Folding what batch systems say: late, doubled and disordered news never move anything backwards."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch import JobEvent
from domain.files.lineage import OutputParents
from domain.submissions.jobs import JobState
from domain.submissions.news import JobNews, conclude_job, fold_news, limit_news, list_outputs
from tests.domain.lineage_strategies import draw_lineage

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STATES = st.sampled_from(list(JobState))


def make_news(number: int, attempt: int, state: JobState, sequence: int) -> JobNews:
    return JobNews(7, number, attempt, state, sequence)


def test_an_attempt_that_could_not_be_is_the_last_that_could() -> None:
    """A job names files of reports, and with them what came back of which attempt."""
    news = make_news(1, 10**30, JobState.SUCCEEDED, 3)
    assert limit_news(news) == news._replace(attempt=1_000_000)


@st.composite
def draw_feed(draw: st.DrawFn) -> list[JobNews]:
    """A feed as a batch system writes it: attempts grow, places grow."""
    feed: list[JobNews] = []
    attempts: dict[int, int] = {}
    for sequence in range(draw(st.integers(0, 30))):
        number = draw(st.integers(1, 3))
        attempts[number] = attempts.get(number, 0) + draw(st.integers(0, 1))
        feed.append(make_news(number, attempts[number], draw(STATES), sequence))
    return feed


def apply_to_jobs(jobs: dict[tuple[int, int], JobNews], news: list[JobNews]) -> None:
    """What the statement does with the jobs of a batch."""
    for new in fold_news(news)[0]:
        old = jobs.get(new.key)
        if old is None or (
            old.sequence < new.sequence and old.attempt <= new.attempt and not old.state.is_over
        ):
            jobs[new.key] = new


@given(draw_feed(), st.data())
def test_batches_however_cut_and_doubled_end_the_same(feed: list[JobNews], data: Any) -> None:
    whole: dict[tuple[int, int], JobNews] = {}
    apply_to_jobs(whole, feed)
    cut: dict[tuple[int, int], JobNews] = {}
    at = 0
    while at < len(feed):
        size = data.draw(st.integers(1, 5))
        back = data.draw(st.integers(0, at))
        apply_to_jobs(cut, feed[back : at + size])
        at += size
    assert {k: (v.state, v.attempt) for k, v in whole.items()} == {
        k: (v.state, v.attempt) for k, v in cut.items()
    }


@given(draw_feed())
def test_doubling_and_reversing_a_batch_changes_nothing(feed: list[JobNews]) -> None:
    assert fold_news(feed) == fold_news([*feed, *reversed(feed)])


def test_news_say_what_events_say_in_the_same_order() -> None:
    # They are copied by their places.
    assert JobNews._fields[5:15] == JobEvent._fields[6:16]
    assert JobNews._fields[10:16] == (*JobEvent._fields[11:16], "started_at")


ODD: dict[str, Any] = {
    "exit_code": 1 << 31, "signal": -(1 << 40), "code": 1 << 63, "subcode": 1 << 31, "cpu_s": math.nan,
    "wall_s": math.inf, "memory_mb": -1.0, "started_at": datetime.min.replace(tzinfo=UTC),
    "ended_at": datetime.max.replace(tzinfo=UTC),
}  # fmt: skip


def test_odd_figures_of_a_batch_system_are_left_out_and_texts_cut() -> None:
    plain = JobNews(
        7, 1, 1, JobState.FAILED, 5, 1, 2, 3, 4, "t", "site", "slot", 1.0, 2.0, 3.0, NOW, NOW
    )
    assert limit_news(plain) is plain
    for name, value in ODD.items():
        left_out: dict[str, Any] = {name: None}
        assert limit_news(plain._replace(**{name: value})) == plain._replace(**left_out), name
    for name in ("text", "site", "slot"):
        text: dict[str, Any] = {name: "\0\ud800" + "x" * 5000}
        cut: dict[str, Any] = {name: "\ufffd\ufffd" + "x" * 998}
        assert limit_news(plain._replace(**text)) == plain._replace(**cut), name


def test_an_end_is_the_end() -> None:
    news = [make_news(1, 1, JobState.SUCCEEDED, 1), make_news(1, 2, JobState.RUNNING, 2)]
    assert fold_news(news)[0][0].state is JobState.SUCCEEDED


def test_who_removes_and_knows_of_no_attempt_ends_the_one_that_was_told() -> None:
    """As a batch system that has lost its queue; a lower attempt that it knows of changes nothing."""
    started = make_news(1, 2, JobState.RUNNING, 1)
    (job,), attempts = fold_news([started, make_news(1, 0, JobState.REMOVED, 2)])
    assert (job.state, job.attempt) == (JobState.REMOVED, 2)
    assert attempts == [started]
    (job,), _ = fold_news([started, make_news(1, 1, JobState.REMOVED, 2)])
    assert job is started


def test_what_is_known_of_an_attempt_stays_when_later_news_do_not_say_it() -> None:
    started = make_news(1, 1, JobState.RUNNING, 1)._replace(site="here", started_at=NOW)
    (job,), _ = fold_news([started, make_news(1, 1, JobState.SUCCEEDED, 2)])
    assert (job.site, job.started_at, job.state) == ("here", NOW, JobState.SUCCEEDED)


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED])
def test_a_job_without_a_report_has_failed_whatever_its_exit_code(state: JobState) -> None:
    told = conclude_job(make_news(1, 1, state, 1), None)
    assert (told.state, told.reason) == (JobState.FAILED, "no_report")


def test_a_limit_is_the_reason_even_where_the_payload_saw_only_a_signal() -> None:
    killed = make_news(1, 1, JobState.FAILED, 1)._replace(code=34)
    told = conclude_job(killed, {"outcome": "failed", "reason": "signal", "signal": 15})
    assert (told.reason, told.signal) == ("memory", 15)


def test_a_removed_job_stays_removed() -> None:
    told = conclude_job(make_news(1, 1, JobState.REMOVED, 1), {"outcome": "succeeded"})
    assert told.state is JobState.REMOVED


def list_all_inputs(made: dict[str, OutputParents], name: str) -> set[int]:
    """All inputs from which an output comes, in however many steps."""
    return set(made[name].parents).union(
        *(list_all_inputs(made, other) for other in made[name].made_from)
    )


@given(draw_lineage(), st.frozensets(st.integers(1, 3)), st.booleans())
def test_an_output_counts_if_all_it_comes_from_was_done_here(
    made: dict[str, OutputParents], done: frozenset[int], well: bool
) -> None:
    told = [
        {"name": n, "parents": one.parents, "made_from": one.made_from} for n, one in made.items()
    ]
    news = make_news(1, 1, JobState.SUCCEEDED if well else JobState.FAILED, 1)
    for output in list_outputs(news, {"outputs": told}, done):
        inputs = list_all_inputs(made, output["name"])
        counts = inputs <= done if inputs else well
        assert output["state"] == ("declared" if counts else "superseded")
