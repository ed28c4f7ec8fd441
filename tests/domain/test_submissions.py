"""States that follow from jobs (POMS's facts §12, by their numbers), and the machine that they belong to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.completion import Tally, is_located
from domain.stages import Completion
from domain.submissions import AT_BATCH, TRANSITIONS, JobCounts, SubmissionState, state_of

State = SubmissionState
COUNTS = st.builds(JobCounts, *[st.integers(0, 50)] * 7)


@pytest.mark.parametrize(
    ("jobs", "state"),
    [
        pytest.param(JobCounts(succeeded=10, failed=5), State.COMPLETED, id="fact 13"),
        pytest.param(JobCounts(succeeded=10, failed=6), State.FAILED, id="fact 14"),
        pytest.param(JobCounts(removed=5), State.REMOVED, id="fact 15: five removed"),
        pytest.param(JobCounts(removed=2, succeeded=1), State.COMPLETED, id="fact 15: two and one"),
        pytest.param(JobCounts(idle=3), State.IDLE, id="fact 17: idle"),
        pytest.param(JobCounts(running=2, idle=3), State.RUNNING, id="fact 17: running"),
        pytest.param(JobCounts(held=1), State.HELD, id="only held"),
        pytest.param(JobCounts(held=1, idle=1), State.IDLE, id="held and idle"),
        pytest.param(JobCounts(unknown=1), State.RUNNING, id="unknown may be running"),
    ],
)
def test_the_state_follows_from_the_jobs(jobs: JobCounts, state: State) -> None:
    assert state_of(jobs) is state


def test_fact_16_differs_on_purpose_one_held_job_hides_no_running_ones() -> None:
    assert state_of(JobCounts(held=1, running=5)) is State.RUNNING


def test_fact_15_differs_on_purpose_a_single_job_that_was_removed_did_not_complete() -> None:
    assert state_of(JobCounts(removed=1)) is State.REMOVED
    assert state_of(JobCounts(removed=1), cancelled=True) is State.CANCELLED


def test_fact_15_differs_on_purpose_what_was_cancelled_did_not_complete_with_its_rest() -> None:
    rest = JobCounts(removed=10, succeeded=40, failed=2)
    assert state_of(rest, cancelled=True) is State.CANCELLED
    assert state_of(rest) is State.COMPLETED


@given(COUNTS, st.booleans())
def test_a_submission_is_at_batch_exactly_while_a_job_is_unfinished(
    jobs: JobCounts, cancelled: bool
) -> None:
    assert (state_of(jobs, cancelled=cancelled) in AT_BATCH) == (jobs.unfinished > 0)


@given(COUNTS)
def test_every_state_that_jobs_lead_to_may_follow_running(jobs: JobCounts) -> None:
    state = state_of(jobs)
    assert state is State.RUNNING or state in TRANSITIONS[State.RUNNING]


def test_every_state_says_what_may_follow_it() -> None:
    assert set(TRANSITIONS) == set(State)


@pytest.mark.parametrize(
    ("wanted", "located", "recovery", "is_it"),
    [
        pytest.param(100, 95, False, True, id="fact 18"),
        pytest.param(100, 94, False, False, id="fact 19"),
        pytest.param(0, 0, False, False, id="fact 20"),
        pytest.param(0, 0, True, True, id="fact 20 of a recovery"),
    ],
)
def test_located_by_percentage_of_what_was_done(
    wanted: int, located: int, recovery: bool, is_it: bool
) -> None:
    tally = Tally(Completion.LOCATED, 95, wanted, located, recovery)
    assert is_located(tally) is is_it


def test_completion_complete_needs_no_files() -> None:
    assert is_located(Tally(Completion.COMPLETE, 100, 10, 0, is_recovery=False))
