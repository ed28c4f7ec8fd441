"""Comparing what the database and a batch system say of launches: each difference is a discrepancy."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from domain.discrepancies import DiscrepancyKind, Repair
from domain.launching.launches import LaunchState, parse_submission_id
from domain.submissions.reports import INT32, MOST_REASON, MOST_TEXT, make_storable_text
from domain.submissions.submissions import LAUNCHING, SubmissionState


@dataclass(frozen=True, slots=True)
class RecordedLaunch:
    """What the database knows of a launch, as far as it decides."""

    mark: str
    submission_id: int
    attempt: int
    state: LaunchState
    native_id: str | None
    submission_state: SubmissionState
    quiet_s: float
    """For how long neither the attempt nor the submission's state has moved."""
    is_script: bool = False
    """It was launched by a script, which submits any number of clusters, none of them gated."""
    clusters: Collection[str] = ()
    """All of its clusters that were adopted."""


@dataclass(frozen=True, slots=True)
class ReportedCluster:
    """What a batch system says of a cluster that carries one of our marks."""

    native_id: str
    mark: str
    jobs: int
    """Jobs that are not over there."""
    started: bool
    """Whether any job of it has ever started."""


@dataclass(frozen=True, slots=True)
class DiscrepancyFinding:
    """One thing that is said differently."""

    kind: DiscrepancyKind
    native_id: str
    mark: str
    submission_id: int | None
    jobs: int
    started: bool
    details: str


def compare_clusters(
    clusters: Iterable[ReportedCluster], attempts: Mapping[str, RecordedLaunch], patience_s: float
) -> list[DiscrepancyFinding]:
    """What is wrong with the clusters that a batch system has; `attempts` are by mark.

    What is still on its way is left alone for `patience_s`: a launch that goes on, a removal that was asked.
    """
    found = [
        _compare_cluster(cluster, attempts.get(cluster.mark), patience_s) for cluster in clusters
    ]
    # Jobs of one cluster may carry different marks, and it is one thing all the same.
    things = {(each.native_id, each.kind): each for each in reversed(found) if each is not None}
    return [*reversed(things.values())]


def _compare_cluster(
    cluster: ReportedCluster, attempt: RecordedLaunch | None, patience_s: float
) -> DiscrepancyFinding | None:
    if not cluster.jobs and not cluster.started:
        return None  # nothing of it is left, and nothing ever was
    if attempt is None:
        over = "" if cluster.jobs else " Nothing of it is left there: no launch waits for this."
        said = f"The database has no such launch.{over}"
        return _make_finding(DiscrepancyKind.ORPHAN, cluster, None, said)
    if attempt.is_script:
        return _check_script_cluster(cluster, attempt, patience_s)
    if attempt.native_id not in (None, cluster.native_id):
        return _make_finding(
            DiscrepancyKind.DUPLICATE_CLUSTER, cluster, attempt,
            f"Launch attempt {attempt.attempt} has adopted cluster {attempt.native_id}.",
        )  # fmt: skip
    if attempt.quiet_s < patience_s:
        return None
    if attempt.native_id is None:
        return _check_unadopted_cluster(cluster, attempt)
    return _check_adopted_cluster(cluster, attempt) if cluster.jobs else None


def _check_script_cluster(
    cluster: ReportedCluster, attempt: RecordedLaunch, patience_s: float
) -> DiscrepancyFinding | None:
    given_up = attempt.state is LaunchState.ABANDONED
    if attempt.submission_state in LAUNCHING and not given_up:
        return None  # what it submits is being adopted
    if cluster.native_id in attempt.clusters:
        is_as_it_should_be = attempt.submission_state.is_live or not cluster.jobs
        is_quiet = attempt.quiet_s >= patience_s
        return (
            _check_adopted_cluster(cluster, attempt)
            if is_quiet and not is_as_it_should_be
            else None
        )
    said = f"The script of launch attempt {attempt.attempt} was over, and what it had submitted adopted, before this."
    return _make_finding(DiscrepancyKind.LATE_CLUSTER, cluster, attempt, said)


def _check_unadopted_cluster(
    cluster: ReportedCluster, attempt: RecordedLaunch
) -> DiscrepancyFinding | None:
    ended = not attempt.submission_state.is_live
    if attempt.state is not LaunchState.ABANDONED and not ended:
        return None  # whoever launches it will find it
    why = f"the submission is {attempt.submission_state}" if ended else "another attempt was made"
    said = f"Launch attempt {attempt.attempt} was given up: {why}."
    return _make_finding(DiscrepancyKind.ABANDONED, cluster, attempt, said)


def _check_adopted_cluster(
    cluster: ReportedCluster, attempt: RecordedLaunch
) -> DiscrepancyFinding | None:
    if not attempt.submission_state.is_live:
        said = f"The submission is {attempt.submission_state}, and {cluster.jobs} of its jobs are not over."
        return _make_finding(DiscrepancyKind.RUNNING_THOUGH_ENDED, cluster, attempt, said)
    if attempt.state is LaunchState.ACKNOWLEDGED and not cluster.started:
        said = f"Launch attempt {attempt.attempt} has adopted it and not opened its gate."
        return _make_finding(DiscrepancyKind.NEVER_OPENED, cluster, attempt, said)
    return None


def _make_finding(
    kind: DiscrepancyKind, cluster: ReportedCluster, attempt: RecordedLaunch | None, said: str
) -> DiscrepancyFinding:
    return DiscrepancyFinding(
        kind,
        make_storable_text(cluster.native_id, MOST_REASON),
        make_storable_text(cluster.mark, MOST_REASON),
        attempt.submission_id if attempt else parse_submission_id(cluster.mark),
        min(cluster.jobs, INT32[-1]),
        cluster.started,
        make_storable_text(said, MOST_TEXT),
    )


def list_missing(
    clusters: Iterable[ReportedCluster], attempts: Iterable[RecordedLaunch], patience_s: float
) -> list[RecordedLaunch]:
    """The adopted launches that are live here and of which the batch system shows nothing that isn't over."""
    there = {(cluster.native_id, cluster.mark) for cluster in clusters if cluster.jobs}
    return [
        attempt
        for attempt in attempts
        if attempt.native_id is not None
        and (attempt.native_id, attempt.mark) not in there
        and attempt.submission_state.is_at_batch
        and attempt.quiet_s >= patience_s
    ]


def report_vanished(attempt: RecordedLaunch, proof: str) -> DiscrepancyFinding:
    """An adopted launch that the batch system has lost."""
    said = f"The submission is {attempt.submission_state} here. There: {proof}."
    cluster = ReportedCluster(attempt.native_id or "", attempt.mark, jobs=0, started=False)
    return _make_finding(DiscrepancyKind.VANISHED, cluster, attempt, said)


def explain_wait_for_late_cluster(
    native_id: str, batch_system: str, submission_id: int | None
) -> str:
    """What is said of launches that would do the same work as a late cluster."""
    return (
        f"It waits: cluster {native_id} of {batch_system} has appeared after the launch script of submission"
        f" {submission_id} had ended. Look at the discrepancies: remove the cluster, or dismiss it."
    )


def describe_repair(repair: Repair, batch_system: str, cluster: ReportedCluster) -> str:
    """What a repair would do, for who is asked to decide."""
    match repair:
        case Repair.REMOVE if not cluster.jobs:
            return f"Close this: nothing is left of cluster {cluster.native_id} at {batch_system}."
        case Repair.REMOVE:
            return f"Remove what is left of cluster {cluster.native_id} ({cluster.jobs} jobs) from {batch_system}."
        case Repair.OPEN:
            return f"Open cluster {cluster.native_id} of {batch_system}: its jobs may run then."
        case Repair.CLOSE:
            return (
                "Call the submission's unfinished jobs removed, if there is still proof that"
                f" {batch_system} doesn't know them; its files are free then."
            )
        case Repair.RELAUNCH:
            return (
                "Run the launch script again, if nothing of it is known by then. Look first whether it has"
                " submitted anything; to give it up, remove the submission."
            )
        case Repair.RETRY:
            return f"Try it again at once: {cluster.native_id}."
        case Repair.INSPECT:
            return f"Nothing that POMS could do about cluster {cluster.native_id}: look at it, and dismiss it."
