"""Which differences between database and batch system are told, and which are only on their way."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.batch.reconciliation import (
    RecordedLaunch,
    ReportedCluster,
    compare_clusters,
    describe_repair,
    list_missing,
    report_vanished,
)
from domain.discrepancies import REPAIRS, DiscrepancyKind, Repair
from domain.launching.launches import LaunchState, format_mark_prefix, parse_submission_id
from domain.submissions.submissions import SubmissionState

MARK = "poms-0123abcd-7-1"
CLUSTER = ReportedCluster("12", MARK, jobs=3, started=False)
L, S, K = LaunchState, SubmissionState, DiscrepancyKind
ADOPTED = RecordedLaunch(MARK, 7, 1, L.OPENED, "12", S.RUNNING, quiet_s=100)
PATIENCE_S = 60.0


def list_kinds(cluster: ReportedCluster, attempt: RecordedLaunch | None) -> list[DiscrepancyKind]:
    known = {MARK: attempt} if attempt else {}
    return [finding.kind for finding in compare_clusters([cluster], known, PATIENCE_S)]


def test_an_adopted_cluster_of_a_live_submission_is_as_it_should_be() -> None:
    for state in (L.OPENED, L.CONFIRMED):
        assert list_kinds(CLUSTER, replace(ADOPTED, state=state)) == []


def test_another_cluster_than_the_adopted_one_is_a_twin_at_once() -> None:
    assert list_kinds(CLUSTER, replace(ADOPTED, native_id="11", quiet_s=0)) == [K.DUPLICATE_CLUSTER]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"native_id": "11", "clusters": ["11", "12"]}, []),
        ({"native_id": "11", "clusters": ["11"]}, [K.LATE_CLUSTER]),
        ({"native_id": "11", "clusters": ["11"], "quiet_s": 0}, [K.LATE_CLUSTER]),
        ({"clusters": [], "native_id": None, "submission_state": S.SUBMITTING}, []),
        ({"clusters": [], "submission_state": S.UNCERTAIN, "state": L.ABANDONED}, [K.LATE_CLUSTER]),
        ({"submission_state": S.CANCELLED}, [K.RUNNING_THOUGH_ENDED]),
        ({"state": L.ACKNOWLEDGED}, []),
    ],
)
def test_a_launch_script_has_any_number_of_clusters_and_no_gate(
    given: dict[str, Any], expected: list[DiscrepancyKind]
) -> None:
    script = replace(ADOPTED, is_script=True, clusters=["12"])
    assert list_kinds(CLUSTER, replace(script, **given)) == expected


def test_a_late_cluster_is_told_when_it_is_over_too() -> None:
    script = replace(ADOPTED, is_script=True, clusters=["11"], submission_state=S.LOCATED)
    assert list_kinds(replace(CLUSTER, jobs=0, started=True), script) == [K.LATE_CLUSTER]
    assert list_kinds(replace(CLUSTER, jobs=0, started=False), script) == []


def test_a_mark_that_the_database_does_not_know_is_an_orphan_of_its_submission() -> None:
    (found,) = compare_clusters([CLUSTER], {}, PATIENCE_S)
    assert (found.kind, found.submission_id) == (K.ORPHAN, 7)
    over = replace(CLUSTER, jobs=0, started=True)
    assert list_kinds(over, None) == [K.ORPHAN]


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
    assert list_kinds(CLUSTER, attempt) == expected
    assert list_kinds(CLUSTER, replace(attempt, quiet_s=1)) == []


def test_jobs_of_an_ended_submission_are_told() -> None:
    ended = replace(ADOPTED, submission_state=S.CANCELLED)
    assert list_kinds(CLUSTER, ended) == [K.RUNNING_THOUGH_ENDED]
    assert list_kinds(replace(CLUSTER, jobs=0, started=True), ended) == []
    assert list_kinds(CLUSTER, replace(ended, quiet_s=1)) == []


def test_a_gate_that_stays_closed_is_told() -> None:
    closed = replace(ADOPTED, state=L.ACKNOWLEDGED, submission_state=S.IDLE)
    assert list_kinds(CLUSTER, closed) == [K.NEVER_OPENED]
    assert list_kinds(replace(CLUSTER, started=True), closed) == []


def test_what_is_live_here_and_not_there_is_missing_until_there_is_proof() -> None:
    assert list_missing([], [ADOPTED], PATIENCE_S) == [ADOPTED]
    assert list_missing([CLUSTER], [ADOPTED], PATIENCE_S) == []
    again = replace(CLUSTER, mark="poms-0123abcd-8-1")  # the id is another launch's by now
    assert list_missing([again], [ADOPTED], PATIENCE_S) == [ADOPTED]
    assert list_missing([], [replace(ADOPTED, quiet_s=1)], PATIENCE_S) == []
    assert list_missing([], [replace(ADOPTED, submission_state=S.LOCATED)], PATIENCE_S) == []
    found = report_vanished(ADOPTED, "nowhere")
    assert (found.kind, found.native_id, found.submission_id) == (K.VANISHED, "12", 7)


attempts = st.builds(
    RecordedLaunch,
    mark=st.just(MARK),
    submission_id=st.just(7),
    attempt=st.just(1),
    state=st.sampled_from(L),
    native_id=st.sampled_from([None, "11", "12"]),
    submission_state=st.sampled_from(S),
    quiet_s=st.sampled_from([0.0, 1e6]),
)
clusters = st.builds(
    ReportedCluster, st.just("12"), st.just(MARK), st.sampled_from([0, 3]), st.booleans()
)


@given(clusters, st.none() | attempts)
def test_whatever_runs_without_being_adopted_is_told_and_nothing_is_told_twice(
    cluster: ReportedCluster, attempt: RecordedLaunch | None
) -> None:
    found = list_kinds(cluster, attempt)
    assert len(found) <= 1
    runs_unadopted = cluster.started and (attempt is None or attempt.native_id == "11")
    assert not runs_unadopted or found
    left = cluster.jobs or cluster.started
    assert left or not found


def test_jobs_of_one_cluster_that_carry_different_marks_are_one_thing() -> None:
    """One statement files all that was found, and can't touch a row twice."""
    marks = ["poms-0123abcd-7-1", "poms-0123abcd-8-1", "poms-0123abcd-9-1\0"]
    found = compare_clusters([replace(CLUSTER, mark=mark, jobs=1 << 40) for mark in marks], {}, 60)
    assert [(each.native_id, each.mark) for each in found] == [("12", marks[0])]
    assert found[0].jobs == (1 << 31) - 1


@given(st.sampled_from(K))
def test_every_kind_proposes_one_repair_and_says_what_it_would_do(kind: DiscrepancyKind) -> None:
    assert "cluster 12" in describe_repair(REPAIRS[kind], "here", CLUSTER).lower() or (
        REPAIRS[kind] in (Repair.CLOSE, Repair.RELAUNCH, Repair.RETRY)
    )


def test_a_mark_says_for_which_submission_it_was_made() -> None:
    assert parse_submission_id("poms-0123abcd-7-1") == 7
    assert parse_submission_id("other-0123abcd-7-1") is None
    assert MARK.startswith(format_mark_prefix("0123abcd-0000-0000-0000-000000000000"))
