"""What a discrepancy is: its kinds, the repair that is proposed for each, and how it ends. Any group may file one."""

from collections.abc import Mapping
from enum import StrEnum


class DiscrepancyKind(StrEnum):
    """How the database and a batch system differ about a cluster."""

    DUPLICATE_CLUSTER = "duplicate_cluster"
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
    LATE_CLUSTER = "late_cluster"
    """It carries a launch script's mark and was not there when the script had ended: its work may be done twice."""
    UNREADABLE_REPORT = "unreadable_report"
    """The database refused what jobs of it reported: these jobs have failed (`bad_report`)."""
    SET_ASIDE = "set_aside"
    """A worker failed at it again and again: it is tried seldom now, and everything else goes on."""


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
    INSPECT = "inspect"
    """Nothing that POMS could do: somebody looks, and dismisses it."""
    RETRY = "retry"
    """Try at once what was set aside."""


class Resolution(StrEnum):
    """How a discrepancy ended."""

    GONE = "gone"
    """It was not there any more."""
    REPAIRED = "repaired"
    """Somebody asked for the proposed repair, and then it was gone."""
    DISMISSED = "dismissed"
    """Somebody said that it is to be left as it is."""


REPAIRS: Mapping[DiscrepancyKind, Repair] = {
    DiscrepancyKind.DUPLICATE_CLUSTER: Repair.REMOVE,
    DiscrepancyKind.ABANDONED: Repair.REMOVE,
    DiscrepancyKind.ORPHAN: Repair.REMOVE,
    DiscrepancyKind.RUNNING_THOUGH_ENDED: Repair.REMOVE,
    DiscrepancyKind.NEVER_OPENED: Repair.OPEN,
    DiscrepancyKind.VANISHED: Repair.CLOSE,
    DiscrepancyKind.CUT_OFF_SCRIPT: Repair.RELAUNCH,
    DiscrepancyKind.NOT_FOLLOWED: Repair.INSPECT,
    DiscrepancyKind.LATE_CLUSTER: Repair.REMOVE,
    DiscrepancyKind.UNREADABLE_REPORT: Repair.INSPECT,
    DiscrepancyKind.SET_ASIDE: Repair.RETRY,
}
"""What is proposed for each kind."""


FILED_ELSEWHERE = frozenset(
    {
        DiscrepancyKind.CUT_OFF_SCRIPT,
        DiscrepancyKind.NOT_FOLLOWED,
        DiscrepancyKind.LATE_CLUSTER,
        DiscrepancyKind.UNREADABLE_REPORT,
        DiscrepancyKind.SET_ASIDE,
    }
)
"""Kinds that reconciliation never closes before somebody has decided."""
