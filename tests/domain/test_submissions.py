"""States that follow from jobs (POMS's facts §12, by their numbers), and the machine that they belong to."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns.stages import Completion
from domain.recovery.advances import RECOVERABLE, FamilyMember, may_fire
from domain.submissions.actions import SubmissionAction, is_possible
from domain.submissions.completion import CompletionTally, is_located
from domain.submissions.submissions import (
    AT_BATCH,
    TRANSITIONS,
    JobCounts,
    SubmissionState,
    derive_state,
)

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
    assert derive_state(jobs) is state


def test_fact_16_differs_on_purpose_one_held_job_hides_no_running_ones() -> None:
    assert derive_state(JobCounts(held=1, running=5)) is State.RUNNING


def test_fact_15_differs_on_purpose_a_single_job_that_was_removed_did_not_complete() -> None:
    assert derive_state(JobCounts(removed=1)) is State.REMOVED
    assert derive_state(JobCounts(removed=1), cancelled=True) is State.CANCELLED


def test_fact_15_differs_on_purpose_what_was_cancelled_did_not_complete_with_its_rest() -> None:
    rest = JobCounts(removed=10, succeeded=40, failed=2)
    assert derive_state(rest, cancelled=True) is State.CANCELLED
    assert derive_state(rest) is State.COMPLETED


@given(COUNTS, st.booleans())
def test_a_submission_is_at_batch_exactly_while_a_job_is_unfinished(
    jobs: JobCounts, cancelled: bool
) -> None:
    assert (derive_state(jobs, cancelled=cancelled) in AT_BATCH) == (jobs.unfinished > 0)


@given(COUNTS)
def test_every_state_that_jobs_lead_to_may_follow_running(jobs: JobCounts) -> None:
    state = derive_state(jobs)
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
        pytest.param(100, 0, False, False, id="fact 23: nothing could be counted"),
    ],
)
def test_located_by_percentage_of_what_was_done(
    wanted: int, located: int, recovery: bool, is_it: bool
) -> None:
    tally = CompletionTally(Completion.LOCATED, 95, wanted, located, recovery)
    assert is_located(tally) is is_it


@pytest.mark.parametrize(("located", "is_it"), [(95, True), (94, False)])
def test_fact_21_of_a_generator_the_share_is_that_of_its_units(located: int, is_it: bool) -> None:
    """Fact 22 can't be: how many units there are is always known here, and not read from a command."""
    assert (
        is_located(CompletionTally(Completion.LOCATED, 95, 100, located, is_recovery=False))
        is is_it
    )


def test_fact_33_a_late_report_moves_nothing_that_is_over() -> None:
    over = set(State) - {s for s in State if s.is_live}
    assert all(not TRANSITIONS[state] & AT_BATCH for state in over)


def test_fact_34_differs_on_purpose_nobody_takes_back_that_it_is_located() -> None:
    """Its dependents have begun: what is wrong with it is recovered by hand."""
    assert not TRANSITIONS[State.LOCATED]
    assert is_possible(SubmissionAction.RECOVER, State.LOCATED, 0)


def test_fact_35_differs_on_purpose_completed_means_that_batch_work_is_over() -> None:
    """POMS counted failures as progress, and completed with jobs still running."""
    assert derive_state(JobCounts(succeeded=90, failed=6, running=4)) is State.RUNNING


def test_fact_36_differs_on_purpose_age_alone_fails_no_launch() -> None:
    """It is failed by the launcher that knows, or `uncertain`, shown with its age, until somebody knows."""
    assert State.LAUNCH_FAILED not in TRANSITIONS[State.NEW]
    assert State.UNCERTAIN in TRANSITIONS[State.SUBMITTING]


@pytest.mark.parametrize("completed", [True, False])
def test_where_nobody_tells_outputs_what_is_completed_is_located(completed: bool) -> None:
    known = CompletionTally(Completion.LOCATED, 95, 10, 0, is_recovery=False, completed=completed)
    assert not is_located(known)
    assert is_located(replace(known, tells_outputs=False)) is completed


def test_completion_complete_needs_no_files_but_an_end_as_it_should_be() -> None:
    tally = CompletionTally(Completion.COMPLETE, 100, 10, 0, is_recovery=False)
    assert is_located(tally)
    assert not is_located(replace(tally, completed=False))


def test_fact_32_differs_on_purpose_a_recovery_that_failed_is_shown_as_failed() -> None:
    """It goes on as in POMS all the same: what it left is recovered, and it holds up nobody."""
    assert derive_state(JobCounts(failed=1)) is State.FAILED
    assert State.FAILED in RECOVERABLE
    located = FamilyMember(State.LOCATED, advanced=True)
    assert may_fire(located, [located, FamilyMember(State.FAILED, advanced=True, is_recovery=True)])
