"""What there is to say of each kind of change, beside who did it, when and why.

Statements write it (`jsonb_build_object`), under the names that the fields have here where `SaidAs` says no
other, and ids as clients know them. What is None was not said: older changes say less.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from domain.changes import ChangeKind
from domain.discrepancies import DiscrepancyKind, Repair
from domain.files.listings import ListingState
from domain.permissions import Role
from domain.submissions.jobs import JobActionVerb
from domain.submissions.submissions import SubmissionState


@dataclass(frozen=True, slots=True)
class SaidAs:
    """The key of a field that is called otherwise; with a kind of node, what is said is the number of its id."""

    key: str
    node: str = ""


@dataclass(frozen=True, slots=True)
class SubmissionBody:
    """How a submission was after it."""

    revision: int
    state: SubmissionState
    stage_id: Annotated[str, SaidAs("stage_id", "stage")]
    is_test: bool
    jobs_total: Annotated[int, SaidAs("jobs")]
    jobs_idle: Annotated[int, SaidAs("idle")]
    jobs_running: Annotated[int, SaidAs("running")]
    jobs_held: Annotated[int, SaidAs("held")]
    jobs_succeeded: Annotated[int, SaidAs("succeeded")]
    jobs_failed: Annotated[int, SaidAs("failed")]
    jobs_removed: Annotated[int, SaidAs("removed")]
    files_total: Annotated[int, SaidAs("files")]
    files_done: Annotated[int, SaidAs("done")]
    files_failed: int
    outputs_declared: Annotated[int, SaidAs("declared")]
    outputs_located: Annotated[int, SaidAs("located")]


@dataclass(frozen=True, slots=True)
class SilenceBody:
    """The submission's revision since."""

    revision: int


@dataclass(frozen=True, slots=True)
class JobsBody:
    """How many jobs more than before are in each state."""

    idle: int
    running: int
    held: int
    unknown: int
    succeeded: int
    failed: int
    removed: int


@dataclass(frozen=True, slots=True)
class InputsBody:
    """How many inputs were waived."""

    waived_count: Annotated[int, SaidAs("waived")]


@dataclass(frozen=True, slots=True)
class ActionBody:
    """What was asked for, and what came of it."""

    verb: JobActionVerb
    result_message: str | None


@dataclass(frozen=True, slots=True)
class DiscrepancyBody:
    """What differs; details and repair are said when it is filed."""

    discrepancy_id: Annotated[str, SaidAs("id", "discrepancy")]
    discrepancy_kind: Annotated[DiscrepancyKind, SaidAs("kind")]
    batch_system: str
    native_id: str
    details: str | None
    repair: Repair | None


@dataclass(frozen=True, slots=True)
class CampaignBody:
    """How a campaign was after it."""

    campaign: str
    name: str
    revision: int
    active: bool | None
    draft: bool | None
    tags: list[str] | None


@dataclass(frozen=True, slots=True)
class HandOverBody:
    """What was handed over, by its id and name, from whom to whom."""

    item: str
    name: str
    from_person_id: Annotated[str, SaidAs("from")]
    to_person_id: Annotated[str, SaidAs("to")]


@dataclass(frozen=True, slots=True)
class ScheduleBody:
    """Whose schedule launches nothing, and of which stage."""

    stage: str
    person_id: Annotated[str, SaidAs("person")]


@dataclass(frozen=True, slots=True)
class CursorBody:
    """Where a stage's work goes on."""

    stage: str
    is_test: bool
    epoch: int
    position: Annotated[int, SaidAs("cursor")]


@dataclass(frozen=True, slots=True)
class HoldBody:
    """The hold; without a stage it is one of a campaign, an experiment or of everything."""

    hold: str
    held_stage_id: Annotated[str | None, SaidAs("stage")]


@dataclass(frozen=True, slots=True)
class LimitsBody:
    """The limits since; None: no limit."""

    most_unfinished: int | None
    most_jobs: int | None


@dataclass(frozen=True, slots=True)
class PriorityBody:
    """The priority since."""

    priority: int


@dataclass(frozen=True, slots=True)
class DatasetBody:
    """A dataset; of files that were added how many, and how many it has since."""

    dataset: str
    name: str
    added_count: Annotated[int | None, SaidAs("files")]
    file_count: Annotated[int | None, SaidAs("head")]


@dataclass(frozen=True, slots=True)
class UploadBody:
    """A file that somebody brought for launch scripts."""

    upload: str
    name: str


@dataclass(frozen=True, slots=True)
class ListingBody:
    """A listing of a dataset, as far as it is: how many files it has that the dataset had not, and what differs."""

    dataset: str
    name: str
    listing_state: ListingState
    text: str | None
    fresh_count: int
    gone_count: int
    differing_count: int


@dataclass(frozen=True, slots=True)
class CatalogBody:
    """A catalog; where it does not do what it is asked, its trouble."""

    catalog: str
    name: str
    text: str | None


@dataclass(frozen=True, slots=True)
class JobTypeBody:
    """A job type at its version."""

    job_type: str
    name: str
    version: int


@dataclass(frozen=True, slots=True)
class LoginSetupBody:
    """A login setup at its version."""

    login_setup: str
    name: str
    version: int


@dataclass(frozen=True, slots=True)
class LaunchHostBody:
    """A launch host."""

    launch_host: str
    name: str


@dataclass(frozen=True, slots=True)
class CredentialBody:
    """A credential, and until when it holds."""

    credential: str
    name: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class BatchAllowanceBody:
    """What an experiment may name at a batch system since."""

    batch_system: str
    partitions: list[str]
    accounts: list[str]
    qos: list[str]
    accounting_group: str


@dataclass(frozen=True, slots=True)
class BatchSystemBody:
    """A batch system, and what it said."""

    batch_system: str
    text: str | None


@dataclass(frozen=True, slots=True)
class PersonBody:
    """The person whom it is about."""

    person: str


@dataclass(frozen=True, slots=True)
class ServiceTokenBody:
    """A token for scripts, and in whose name it is."""

    token: str
    name: str
    person: str


@dataclass(frozen=True, slots=True)
class MembershipBody:
    """A person and their role; None: they are in the experiment no more."""

    person: str
    role: Role | None


@dataclass(frozen=True, slots=True)
class ExperimentBody:
    """An experiment."""

    experiment: str
    name: str


@dataclass(frozen=True, slots=True)
class FoldersBody:
    """The folders since, besides the experiment's own."""

    folders: list[str]


@dataclass(frozen=True, slots=True)
class LinksBody:
    """The links since, each with its subject, title and template."""

    links: list[str]


@dataclass(frozen=True, slots=True)
class ApprovalRulesBody:
    """The names of the rules since."""

    rules: list[str]


@dataclass(frozen=True, slots=True)
class RequestBody:
    """A request at its revision."""

    request: str
    number: int
    title: str
    revision: int


@dataclass(frozen=True, slots=True)
class SummariesBody:
    """The numbers since, each with its subject, title, source, address and query."""

    summaries: list[str]


@dataclass(frozen=True, slots=True)
class SummaryBody:
    """A number that was told of a thing; None: its source knows none."""

    thing: str
    title: str
    value: float | None


Body = (
    SubmissionBody | SilenceBody | JobsBody | InputsBody | ActionBody | DiscrepancyBody | CampaignBody | HandOverBody
    | ScheduleBody | CursorBody | HoldBody | LimitsBody | PriorityBody | DatasetBody | ListingBody | CatalogBody
    | JobTypeBody | LoginSetupBody | LaunchHostBody | CredentialBody | BatchAllowanceBody | BatchSystemBody | PersonBody
    | MembershipBody | ExperimentBody | FoldersBody | LinksBody | SummariesBody | SummaryBody | UploadBody
    | ApprovalRulesBody | RequestBody | ServiceTokenBody
)  # fmt: skip

OF_NOUN: dict[str, type[Body]] = {
    "submission": SubmissionBody,
    "jobs": JobsBody,
    "inputs": InputsBody,
    "action": ActionBody,
    "discrepancy": DiscrepancyBody,
    "campaign": CampaignBody,
    "schedule": ScheduleBody,
    "stage": CursorBody,
    "dataset": DatasetBody,
    "catalog": CatalogBody,
    "job_type": JobTypeBody,
    "upload": UploadBody,
    "login_setup": LoginSetupBody,
    "launch_host": LaunchHostBody,
    "credential": CredentialBody,
    "batch_allowance": BatchAllowanceBody,
    "batch_system": BatchSystemBody,
    "person": PersonBody,
    "membership": MembershipBody,
    "service_token": ServiceTokenBody,
    "summary": SummaryBody,
    "request": RequestBody,
}
OF_KIND: dict[ChangeKind, type[Body]] = {
    ChangeKind.DATASET_LISTING_REQUESTED: ListingBody,
    ChangeKind.DATASET_LISTED: ListingBody,
    ChangeKind.DATASET_LISTING_FAILED: ListingBody,
    ChangeKind.DATASET_LISTING_WAITS: ListingBody,
    ChangeKind.DATASET_LISTING_DECIDED: ListingBody,
    ChangeKind.SUBMISSION_SILENT: SilenceBody,
    ChangeKind.SUBMISSION_HEARD: SilenceBody,
    ChangeKind.LAUNCHES_HELD: HoldBody,
    ChangeKind.LAUNCHES_RELEASED: HoldBody,
    ChangeKind.LAUNCHES_LIMITED: LimitsBody,
    ChangeKind.LAUNCHES_PREFERRED: PriorityBody,
    ChangeKind.EXPERIMENT_CREATED: ExperimentBody,
    ChangeKind.EXPERIMENT_FOLDERS: FoldersBody,
    ChangeKind.EXPERIMENT_LINKS: LinksBody,
    ChangeKind.EXPERIMENT_SUMMARIES: SummariesBody,
    ChangeKind.EXPERIMENT_APPROVAL_RULES: ApprovalRulesBody,
    **{kind: HandOverBody for kind in ChangeKind if kind.endswith(".handed_over")},
}
BODIES: Mapping[ChangeKind, type[Body]] = {
    kind: OF_KIND[kind] if kind in OF_KIND else OF_NOUN[kind.noun] for kind in ChangeKind
}
"""What is said of each kind."""
