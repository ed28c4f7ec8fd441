"""What job ads say, as HTCondor 23.9 and 25 showed them, and what that means: without any HTCondor."""

from typing import Any

import pytest

from batch import JobEvent
from batch.htcondor.ads import WANTED, JobAd, derive_job_events
from batch.journal import KnownJob
from domain.submissions.jobs import JobState

IDLE = JobAd.of([None] * len(WANTED))._replace(
    cluster=7, proc=0, status=1, owner="poms", submitted=100, entered=100
)
RUNNING = IDLE._replace(
    status=2, entered=110, starts=1, shadow_since=110, started=110, executed=111, host="slot1@node"
)
DONE = RUNNING._replace(
    status=4, entered=120, shadow_since=None, host=None, last_host="slot1@node", completed=120, exit_code=0,
    user_s=3.0, system_s=1.0, memory_mb=8.0,
)  # fmt: skip


def list_told_states(
    ad: JobAd, known: KnownJob | None = None, reported: int = 0
) -> list[tuple[str, int]]:
    return [(e.state.value, e.attempt) for e in derive_job_events(1, ad, known, reported)]


def find_last_event(ad: JobAd, known: KnownJob | None = None) -> JobEvent:
    return list(derive_job_events(1, ad, known))[-1]


def derive_known(ad: JobAd, known: KnownJob | None = None) -> KnownJob:
    """What is known of a job after a look at it."""
    for event in derive_job_events(1, ad, known):
        at = event.at.timestamp()
        began = at if event.state is JobState.RUNNING else known.began if known else 0.0
        known = KnownJob(event.state, event.attempt, began, at)
    assert known is not None
    return known


def test_one_look_at_a_job_that_is_over_tells_its_whole_life_once() -> None:
    assert list_told_states(DONE) == [("idle", 0), ("running", 1), ("succeeded", 1)]
    assert list_told_states(DONE, derive_known(DONE)) == []
    over = find_last_event(DONE)
    assert (over.exit_code, over.wall_s, over.cpu_s, over.memory_mb) == (0, 9.0, 4.0, 8.0)
    running = list(derive_job_events(1, DONE, None))[1]
    assert (running.slot, running.site) == ("slot1@node", "node")


def test_a_shadow_that_only_finds_its_job_again_starts_nothing() -> None:
    known = derive_known(RUNNING)
    looking = RUNNING._replace(starts=2, shadow_since=130)
    found = looking._replace(reconnects=1)
    assert list_told_states(looking, known) == []
    assert list_told_states(found, known) == []
    # The same by somebody who sees it for the first time.
    assert list_told_states(looking)[-1] == ("running", 1)
    assert list_told_states(found)[-1] == ("running", 1)
    done = DONE._replace(starts=2, reconnects=1)
    assert list_told_states(done)[-1] == ("succeeded", 1)
    assert list_told_states(done, known) == [("succeeded", 1)]


def test_an_attempt_that_began_after_that_has_the_number_that_its_own_ad_names() -> None:
    again = RUNNING._replace(
        starts=3, reconnects=1, shadow_since=140, started=140, executed=141, vacate_reason="away"
    )
    assert list_told_states(again, derive_known(RUNNING)) == [("idle", 1), ("running", 3)]
    assert (
        find_last_event(
            again._replace(status=1, host=None, shadow_since=None), derive_known(again)
        ).text
        == "away"
    )
    # Nobody has seen it run, and it was found again in an earlier run: only its report knows.
    done = DONE._replace(starts=3, reconnects=1, started=140, executed=141)
    assert list_told_states(done, derive_known(IDLE), reported=3) == [
        ("running", 3),
        ("succeeded", 3),
    ]


def test_what_is_still_stopping_is_not_told_yet() -> None:
    for status in (3, 4, 5):
        assert list_told_states(RUNNING._replace(status=status), derive_known(RUNNING)) == []


def test_a_start_whose_inputs_did_not_come_is_no_attempt() -> None:
    waiting = RUNNING._replace(executed=None)
    assert list_told_states(waiting) == [("idle", 0)]
    held = waiting._replace(status=5, host=None, hold_code=13, hold_reason="no such file")
    assert list_told_states(held, derive_known(waiting)) == [("failed", 0)]
    assert (find_last_event(held).code, find_last_event(held).text) == (13, "no such file")


def test_holds_and_releases_between_two_looks_are_told_in_order() -> None:
    held = RUNNING._replace(
        status=5, entered=115, host=None, hold_code=1, hold_reason="look (by user poms)"
    )
    known = derive_known(held, derive_known(RUNNING))
    assert find_last_event(held, derive_known(RUNNING)).text == "look"
    assert list_told_states(held, known) == []
    again = held._replace(entered=130, release_reason="looked (by user poms)", hold_reason="no")
    assert list_told_states(again, known) == [("idle", 1), ("held", 1)]
    running = RUNNING._replace(entered=140, starts=2, shadow_since=140, started=140, executed=141)
    assert list_told_states(running, known) == [("idle", 1), ("running", 2)]


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("not wanted (by user poms)", "not wanted"),
        ("via condor_rm (by user someone@else)", "via condor_rm (by user someone@else)"),
        (None, None),
    ],
)
def test_who_removed_a_job_is_told_where_it_was_not_its_owner(
    reason: str | None, text: str | None
) -> None:
    over = find_last_event(IDLE._replace(status=3, entered=130, remove_reason=reason))
    assert (over.state, over.code, over.text) == (JobState.REMOVED, 1, text)


def test_a_job_over_a_limit_has_failed_by_it_also_when_its_policy_has_removed_it() -> None:
    held: dict[str, Any] = {"hold_code": 3, "hold_subcode": 34, "hold_reason": "memory limit"}
    over = find_last_event(RUNNING._replace(status=5, host=None, **held))
    assert (over.state, over.code, over.text) == (JobState.FAILED, 34, "memory limit")
    gone = RUNNING._replace(
        status=3, host=None, remove_reason="The job attribute PeriodicRemove expression ...",
        **{f"last_{name}": value for name, value in held.items()},
    )  # fmt: skip
    assert (find_last_event(gone).state, find_last_event(gone).code) == (JobState.FAILED, 34)
    assert find_last_event(gone._replace(remove_reason="not wanted")).state is JobState.REMOVED


def test_a_state_that_nobody_knows_is_unknown_and_named() -> None:
    over = find_last_event(RUNNING._replace(status=11, host=None))
    assert (over.state, over.text) == (JobState.UNKNOWN, "HTCondor calls it 11")
    assert list_told_states(RUNNING, derive_known(RUNNING._replace(status=11, host=None))) == [
        ("running", 1)
    ]


def test_jobs_that_wait_for_their_files_are_idle() -> None:
    assert list_told_states(IDLE._replace(status=5, hold_code=16)) == [("idle", 0)]


def test_many_jobs_are_named_in_few_words() -> None:
    pytest.importorskip("htcondor2")
    from batch.htcondor.bindings.schedd import constrain_jobs

    assert constrain_jobs(7, range(10_000)) == "ClusterId == 7 && (ProcId >= 0 && ProcId <= 9999)"
    assert constrain_jobs(7, [5, 1, 2, 9]) == (
        "ClusterId == 7 && (ProcId >= 1 && ProcId <= 2 || member(ProcId, {5, 9}))"
    )


ODD = [
    "x",
    [1],
    {"a": 1},
    True,
    1e308,
    float("nan"),
    float("inf"),
    1 << 70,
    -(1 << 70),
    10**400,
    "\0\ud800",
    1.5,
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: f"{odd!r:.20}")
@pytest.mark.parametrize("known", [None, KnownJob(JobState.RUNNING, 1, 111.0, 111.0)])
def test_whatever_somebody_puts_into_an_ad_costs_nobody_else(
    odd: Any, known: KnownJob | None
) -> None:
    """Every attribute by itself, of a job in each state."""
    for status in (1, 2, 3, 4, 5, 6, 7, 99):
        for name in set(JobAd._fields) - {"cluster", "proc", "status"}:
            row = DONE._replace(status=status, **{name: odd})
            for event in derive_job_events(1, JobAd.of(row), known):
                assert isinstance(event, JobEvent)
                assert event.at.year >= 1901


def test_an_ad_as_a_schedd_shows_it_is_taken_as_it_is() -> None:
    assert JobAd.of(DONE) == DONE
    assert JobAd.of(RUNNING) == RUNNING
