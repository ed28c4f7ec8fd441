"""What the database and a batch system say differently of launches, and what would set each right."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.launches import LaunchState, submission_of
from domain.submissions import LAUNCHING, SubmissionState


class DiscrepancyKind(StrEnum):
    """How the database and a batch system differ about a cluster."""

    TWIN = "twin"
    """Another cluster of the same launch was adopted; this one's gate was never opened."""
    ABANDONED = "abandoned"
    """Its launch was given up, and its jobs are still there."""
    ORPHAN = "orphan"
    """It carries a mark of this installation that the database doesn't know: the database has lost something."""
    VANISHED = "vanished"
    """Its jobs are live here, and the batch system has never heard of it."""
    NEVER_OPENED = "never_opened"
    """It was adopted, and its gate is still closed."""
    RUNNING_THOUGH_ENDED = "running_though_ended"
    """The submission has ended here, and its jobs are still there."""
    CUT_OFF_SCRIPT = "cut_off_script"
    """The worker died while a launch script ran: it may have submitted what POMS can't see."""
    NOT_FOLLOWED = "not_followed"
    """A launch script says that it submitted this, and POMS can't follow it."""


class Repair(StrEnum):
    """What sets a discrepancy right; nobody does it unasked."""

    REMOVE = "remove"
    """Remove the cluster's jobs from the batch system."""
    OPEN = "open"
    """Open the cluster's gate."""
    CLOSE = "close"
    """Call the submission's jobs removed here: they are gone."""
    RELAUNCH = "relaunch"
    """Run the launch script again."""
    LOOK = "look"
    """Nothing that POMS could do: somebody looks, and dismisses it."""


class Resolution(StrEnum):
    """How a discrepancy ended."""

    GONE = "gone"
    """It was not there any more."""
    REPAIRED = "repaired"
    """Somebody asked for the proposed repair, and then it was gone."""
    DISMISSED = "dismissed"
    """Somebody said that it is to be left as it is."""


REPAIRS: Mapping[DiscrepancyKind, Repair] = {
    DiscrepancyKind.TWIN: Repair.REMOVE,
    DiscrepancyKind.ABANDONED: Repair.REMOVE,
    DiscrepancyKind.ORPHAN: Repair.REMOVE,
    DiscrepancyKind.RUNNING_THOUGH_ENDED: Repair.REMOVE,
    DiscrepancyKind.NEVER_OPENED: Repair.OPEN,
    DiscrepancyKind.VANISHED: Repair.CLOSE,
    DiscrepancyKind.CUT_OFF_SCRIPT: Repair.RELAUNCH,
    DiscrepancyKind.NOT_FOLLOWED: Repair.LOOK,
}
"""What is proposed for each kind."""


FILED_BY_LAUNCHES = frozenset({DiscrepancyKind.CUT_OFF_SCRIPT, DiscrepancyKind.NOT_FOLLOWED})
"""Kinds that reconciliation neither finds nor closes: somebody decides."""


@dataclass(frozen=True, slots=True)
class Attempt:
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
class Cluster:
    """What a batch system says of a cluster that carries one of our marks."""

    native_id: str
    mark: str
    jobs: int
    """Jobs that are not over there."""
    started: bool
    """Whether any job of it has ever started."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is said differently."""

    kind: DiscrepancyKind
    native_id: str
    mark: str
    submission_id: int | None
    jobs: int
    started: bool
    details: str


def compare(
    clusters: Iterable[Cluster], attempts: Mapping[str, Attempt], patience_s: float
) -> list[Finding]:
    """What is wrong with the clusters that a batch system has; `attempts` are by mark.

    What is still on its way is left alone for `patience_s`: a launch that goes on, a removal that was asked.
    """
    found = [_compared(cluster, attempts.get(cluster.mark), patience_s) for cluster in clusters]
    return [finding for finding in found if finding is not None]


def _compared(cluster: Cluster, attempt: Attempt | None, patience_s: float) -> Finding | None:
    if not cluster.jobs and not cluster.started:
        return None  # nothing of it is left, and nothing ever was
    if attempt is None:
        return _finding(DiscrepancyKind.ORPHAN, cluster, None, "The database has no such launch.")
    if attempt.is_script:
        return _of_script(cluster, attempt, patience_s)
    if attempt.native_id not in (None, cluster.native_id):
        return _finding(
            DiscrepancyKind.TWIN, cluster, attempt,
            f"Launch attempt {attempt.attempt} has adopted cluster {attempt.native_id}.",
        )  # fmt: skip
    if attempt.quiet_s < patience_s:
        return None
    if attempt.native_id is None:
        return _not_adopted(cluster, attempt)
    return _adopted(cluster, attempt) if cluster.jobs else None


def _of_script(cluster: Cluster, attempt: Attempt, patience_s: float) -> Finding | None:
    given_up = attempt.state is LaunchState.ABANDONED
    if not cluster.jobs or attempt.quiet_s < patience_s:
        return None
    if attempt.submission_state in LAUNCHING and not given_up:
        return None  # what it submits is being adopted
    if cluster.native_id in attempt.clusters:
        return None if attempt.submission_state.is_live else _adopted(cluster, attempt)
    said = f"Launch attempt {attempt.attempt}, by a script, was over before this was known."
    return _finding(DiscrepancyKind.ABANDONED, cluster, attempt, said)


def _not_adopted(cluster: Cluster, attempt: Attempt) -> Finding | None:
    ended = not attempt.submission_state.is_live
    if attempt.state is not LaunchState.ABANDONED and not ended:
        return None  # whoever launches it will find it
    why = f"the submission is {attempt.submission_state}" if ended else "another attempt was made"
    said = f"Launch attempt {attempt.attempt} was given up: {why}."
    return _finding(DiscrepancyKind.ABANDONED, cluster, attempt, said)


def _adopted(cluster: Cluster, attempt: Attempt) -> Finding | None:
    if not attempt.submission_state.is_live:
        said = f"The submission is {attempt.submission_state}, and {cluster.jobs} of its jobs are not over."
        return _finding(DiscrepancyKind.RUNNING_THOUGH_ENDED, cluster, attempt, said)
    if attempt.state is LaunchState.ACKNOWLEDGED and not cluster.started:
        said = f"Launch attempt {attempt.attempt} has adopted it and not opened its gate."
        return _finding(DiscrepancyKind.NEVER_OPENED, cluster, attempt, said)
    return None


def _finding(
    kind: DiscrepancyKind, cluster: Cluster, attempt: Attempt | None, said: str
) -> Finding:
    return Finding(
        kind,
        cluster.native_id,
        cluster.mark,
        attempt.submission_id if attempt else submission_of(cluster.mark),
        cluster.jobs,
        cluster.started,
        said,
    )


def missing(
    clusters: Iterable[Cluster], attempts: Iterable[Attempt], patience_s: float
) -> list[Attempt]:
    """The adopted launches that are live here and of which the batch system has told nothing."""
    there = {(cluster.native_id, cluster.mark) for cluster in clusters}
    return [
        attempt
        for attempt in attempts
        if attempt.native_id is not None
        and (attempt.native_id, attempt.mark) not in there
        and attempt.submission_state.is_at_batch
        and attempt.quiet_s >= patience_s
    ]


def vanished(attempt: Attempt, proof: str) -> Finding:
    """An adopted launch that the batch system has lost."""
    said = f"The submission is {attempt.submission_state} here. There: {proof}."
    cluster = Cluster(attempt.native_id or "", attempt.mark, jobs=0, started=False)
    return _finding(DiscrepancyKind.VANISHED, cluster, attempt, said)


def proposal(repair: Repair, batch_system: str, cluster: Cluster) -> str:
    """What a repair would do, for who is asked to decide."""
    match repair:
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
        case Repair.LOOK:
            return f"Nothing that POMS could do about cluster {cluster.native_id}: look at it, and dismiss it."
