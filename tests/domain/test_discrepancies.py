"""Which differences between database and batch system are told, and which are only on their way."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.discrepancies import (
    REPAIRS,
    Attempt,
    Cluster,
    DiscrepancyKind,
    Repair,
    compare,
    missing,
    proposal,
    vanished,
)
from domain.launches import LaunchState, prefix, submission_of
from domain.submissions import SubmissionState

MARK = "poms-0123abcd-7-1"
CLUSTER = Cluster("12", MARK, jobs=3, started=False)
L, S, K = LaunchState, SubmissionState, DiscrepancyKind
ADOPTED = Attempt(MARK, 7, 1, L.OPENED, "12", S.RUNNING, quiet_s=100)
PATIENCE_S = 60.0


def kinds(cluster: Cluster, attempt: Attempt | None) -> list[DiscrepancyKind]:
    known = {MARK: attempt} if attempt else {}
    return [finding.kind for finding in compare([cluster], known, PATIENCE_S)]


def test_an_adopted_cluster_of_a_live_submission_is_as_it_should_be() -> None:
    for state in (L.OPENED, L.SEEN):
        assert kinds(CLUSTER, replace(ADOPTED, state=state)) == []


def test_another_cluster_than_the_adopted_one_is_a_twin_at_once() -> None:
    assert kinds(CLUSTER, replace(ADOPTED, native_id="11", quiet_s=0)) == [K.TWIN]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"native_id": "11", "clusters": ["11", "12"]}, []),
        ({"native_id": "11", "clusters": ["11"]}, [K.ABANDONED]),
        ({"native_id": "11", "clusters": ["11"], "quiet_s": 0}, []),
        ({"clusters": [], "native_id": None, "submission_state": S.SUBMITTING}, []),
        ({"clusters": [], "submission_state": S.UNCERTAIN, "state": L.ABANDONED}, [K.ABANDONED]),
        ({"submission_state": S.CANCELLED}, [K.RUNNING_THOUGH_ENDED]),
        ({"state": L.ACKNOWLEDGED}, []),
    ],
)
def test_a_launch_script_has_any_number_of_clusters_and_no_gate(
    given: dict[str, Any], expected: list[DiscrepancyKind]
) -> None:
    script = replace(ADOPTED, is_script=True, clusters=["12"])
    assert kinds(CLUSTER, replace(script, **given)) == expected


def test_a_mark_that_the_database_does_not_know_is_an_orphan_of_its_submission() -> None:
    (found,) = compare([CLUSTER], {}, PATIENCE_S)
    assert (found.kind, found.submission_id) == (K.ORPHAN, 7)
    over = replace(CLUSTER, jobs=0, started=True)
    assert kinds(over, None) == [K.ORPHAN]


@pytest.mark.parametrize(
    ("state", "submission", "expected"),
    [
        (L.ABANDONED, S.RUNNING, [K.ABANDONED]),
        (L.ABANDONED, S.UNCERTAIN, [K.ABANDONED]),
        (L.SENT, S.SUBMITTING, []),
        (L.SENT, S.UNCERTAIN, []),
        (L.SENT, S.LAUNCH_FAILED, [K.ABANDONED]),
        (L.INTENDED, S.CANCELLED, [K.ABANDONED]),
    ],
)
def test_what_nobody_adopted_is_told_when_nobody_will(
    state: LaunchState, submission: SubmissionState, expected: list[DiscrepancyKind]
) -> None:
    attempt = replace(ADOPTED, native_id=None, state=state, submission_state=submission)
    assert kinds(CLUSTER, attempt) == expected
    assert kinds(CLUSTER, replace(attempt, quiet_s=1)) == []


def test_jobs_of_an_ended_submission_are_told() -> None:
    ended = replace(ADOPTED, submission_state=S.CANCELLED)
    assert kinds(CLUSTER, ended) == [K.RUNNING_THOUGH_ENDED]
    assert kinds(replace(CLUSTER, jobs=0, started=True), ended) == []
    assert kinds(CLUSTER, replace(ended, quiet_s=1)) == []


def test_a_gate_that_stays_closed_is_told() -> None:
    closed = replace(ADOPTED, state=L.ACKNOWLEDGED, submission_state=S.IDLE)
    assert kinds(CLUSTER, closed) == [K.NEVER_OPENED]
    assert kinds(replace(CLUSTER, started=True), closed) == []


def test_what_is_live_here_and_not_there_is_missing_until_there_is_proof() -> None:
    assert missing([], [ADOPTED], PATIENCE_S) == [ADOPTED]
    assert missing([CLUSTER], [ADOPTED], PATIENCE_S) == []
    again = replace(CLUSTER, mark="poms-0123abcd-8-1")  # the id is another launch's by now
    assert missing([again], [ADOPTED], PATIENCE_S) == [ADOPTED]
    assert missing([], [replace(ADOPTED, quiet_s=1)], PATIENCE_S) == []
    assert missing([], [replace(ADOPTED, submission_state=S.LOCATED)], PATIENCE_S) == []
    found = vanished(ADOPTED, "nowhere")
    assert (found.kind, found.native_id, found.submission_id) == (K.VANISHED, "12", 7)


attempts = st.builds(
    Attempt,
    mark=st.just(MARK),
    submission_id=st.just(7),
    attempt=st.just(1),
    state=st.sampled_from(L),
    native_id=st.sampled_from([None, "11", "12"]),
    submission_state=st.sampled_from(S),
    quiet_s=st.sampled_from([0.0, 1e6]),
)
clusters = st.builds(Cluster, st.just("12"), st.just(MARK), st.sampled_from([0, 3]), st.booleans())


@given(clusters, st.none() | attempts)
def test_whatever_runs_without_being_adopted_is_told_and_nothing_is_told_twice(
    cluster: Cluster, attempt: Attempt | None
) -> None:
    found = kinds(cluster, attempt)
    assert len(found) <= 1
    runs_unadopted = cluster.started and (attempt is None or attempt.native_id == "11")
    assert not runs_unadopted or found
    left = cluster.jobs or cluster.started
    assert left or not found


@given(st.sampled_from(K))
def test_every_kind_proposes_one_repair_and_says_what_it_would_do(kind: DiscrepancyKind) -> None:
    assert "cluster 12" in proposal(REPAIRS[kind], "here", CLUSTER).lower() or (
        REPAIRS[kind] in (Repair.CLOSE, Repair.RELAUNCH)
    )


def test_a_mark_says_for_which_submission_it_was_made() -> None:
    assert submission_of("poms-0123abcd-7-1") == 7
    assert submission_of("other-0123abcd-7-1") is None
    assert MARK.startswith(prefix("0123abcd-0000-0000-0000-000000000000"))
