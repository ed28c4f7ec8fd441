"""Showing a change as the type that says what its kind says."""

from collections.abc import Mapping
from typing import Any

from db import changes
from domain.changes import ChangeKind, ServicePart
from domain.submissions import change_bodies as bodies
from domain.submissions.change_bodies import Body
from domain.submissions.change_reading import WrongBody, read_body
from schema.ids import node_id
from schema.submissions import change_types as types
from schema.submissions import experiment_change_types as experiment_types
from schema.submissions.change_types import Change

TYPES: Mapping[type[Body], tuple[type[Change], str | None]] = {
    bodies.SubmissionBody: (types.SubmissionChange, None),
    bodies.SilenceBody: (types.SilenceChange, None),
    bodies.JobsBody: (types.JobsChange, None),
    bodies.InputsBody: (types.InputsChange, None),
    bodies.ActionBody: (types.ActionChange, None),
    bodies.DiscrepancyBody: (types.DiscrepancyChange, "discrepancy_id"),
    bodies.CampaignBody: (types.CampaignChange, "campaign"),
    bodies.HandOverBody: (types.HandOverChange, "item"),
    bodies.ScheduleBody: (types.ScheduleChange, "stage"),
    bodies.CursorBody: (types.CursorChange, "stage"),
    bodies.HoldBody: (types.LaunchHoldChange, "hold"),
    bodies.LimitsBody: (types.LaunchLimitsChange, None),
    bodies.PriorityBody: (types.PriorityChange, None),
    bodies.DatasetBody: (types.DatasetChange, "dataset"),
    bodies.ListingBody: (types.DatasetListingChange, "dataset"),
    bodies.CatalogBody: (types.CatalogChange, "catalog"),
    bodies.JobTypeBody: (types.JobTypeChange, "job_type"),
    bodies.UploadBody: (types.UploadChange, "upload"),
    bodies.LoginSetupBody: (types.LoginSetupChange, "login_setup"),
    bodies.LaunchHostBody: (types.LaunchHostChange, "launch_host"),
    bodies.CredentialBody: (types.CredentialChange, "credential"),
    bodies.BatchAllowanceBody: (types.BatchAllowanceChange, None),
    bodies.BatchSystemBody: (types.BatchSystemChange, None),
    bodies.PersonBody: (types.PersonChange, "person"),
    bodies.MembershipBody: (types.MembershipChange, "person"),
    bodies.ServiceTokenBody: (types.ServiceTokenChange, "token"),
    bodies.ExperimentBody: (experiment_types.ExperimentChange, "experiment"),
    bodies.FoldersBody: (experiment_types.FoldersChange, None),
    bodies.LinksBody: (experiment_types.LinksChange, None),
    bodies.SummaryBody: (experiment_types.SummaryChange, "thing"),
    bodies.ApprovalRulesBody: (experiment_types.ApprovalRulesChange, None),
    bodies.RequestBody: (experiment_types.RequestChange, "request"),
    bodies.SummariesBody: (experiment_types.SummariesChange, None),
}
"""How each body is shown, and which field of it has the id of what it happened to; None: a column of the change has."""

NAMES = {kind: tuple(name for name in kind.__annotations__) for kind, _ in TYPES.values()}
"""The fields of each type beside those of the interface: the body has them under the same names."""


def show_change(row: changes.Change | changes.Fact, cursor: str) -> Change:
    """Show a row, as what it says of itself; where that can't be read, as an `OtherChange`."""
    kind = KINDS.get(row.kind)
    common = _show_common_fields(row, kind, cursor)
    if kind is None:
        return types.OtherChange(**common, name=row.kind)
    try:
        body = read_body(kind, row.body)
    except WrongBody:
        return types.OtherChange(**common, name=row.kind)
    shown, subject = TYPES[type(body)]
    if subject is not None:
        common["subject_id"] = getattr(body, subject)
    change = shown.__new__(
        shown
    )  # thousands a second come by: the attributes are put in place without `__init__`
    change.__dict__.update(common)
    change.__dict__.update({name: getattr(body, name) for name in NAMES[shown]})
    return change


def _show_common_fields(
    row: changes.Change | changes.Fact, kind: ChangeKind | None, cursor: str
) -> dict[str, Any]:
    experiment = node_id("experiment", row.experiment_id) if row.experiment_id else None
    campaign = node_id("campaign", row.campaign_id) if row.campaign_id else None
    submission = node_id("submission", row.submission_id) if row.submission_id else None
    return {
        "cursor": cursor,
        "kind": kind,
        "at": row.at,
        "part": PARTS.get(row.part) if row.part else None,
        "reason": row.reason or "",
        "experiment_id": experiment,
        "campaign_id": campaign,
        "submission_id": submission,
        "subject_id": submission or campaign or experiment,
        "actor_id": row.actor_id,
    }


KINDS = {kind.value: kind for kind in ChangeKind}
PARTS = {part.value: part for part in ServicePart}
