"""What there is to say of each kind of change, beside who did it, when and why.

Statements write it (`jsonb_build_object`), under the names that the fields have here where `SaidAs` says no
other, and ids as clients know them. What is None was not said: older changes say less.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

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


Body = (
    SubmissionBody | SilenceBody | JobsBody | ActionBody | DiscrepancyBody | CampaignBody | HandOverBody | ScheduleBody
    | CursorBody | HoldBody | LimitsBody | PriorityBody | DatasetBody | ListingBody | CatalogBody | JobTypeBody
    | LoginSetupBody | LaunchHostBody | CredentialBody | BatchAllowanceBody | BatchSystemBody | PersonBody
    | MembershipBody | ExperimentBody | FoldersBody | LinksBody | UploadBody
)  # fmt: skip

OF_NOUN: dict[str, type[Body]] = {
    "submission": SubmissionBody,
    "jobs": JobsBody,
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
    **{kind: HandOverBody for kind in ChangeKind if kind.endswith(".handed_over")},
}
BODIES: Mapping[ChangeKind, type[Body]] = {
    kind: OF_KIND[kind] if kind in OF_KIND else OF_NOUN[kind.noun] for kind in ChangeKind
}
"""What is said of each kind."""


class WrongBody(ValueError):
    """A change does not say what its kind says; names the field."""


Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class BodyReader:
    """How a body is read from JSON."""

    keys: tuple[str, ...]
    """Of its fields, in order."""
    needed: tuple[bool, ...]
    converted: tuple[tuple[int, Read], ...]
    """The fields that are something else than their JSON."""


def _choose_conversion(hint: Any, node: str) -> Read | None:
    """How a value of this type is made of its JSON; None: it is that."""
    kind = next((kind for kind in get_args(hint) if kind is not NoneType), hint)
    if node:
        return lambda key: f"{node}:{key}"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    return datetime.fromisoformat if kind is datetime else None


def _describe_field(name: str, hint: Any) -> tuple[str, bool, Read | None]:
    """The key of a field, whether it has to be there, and how it is read."""
    said_as = SaidAs(name)
    if get_origin(hint) is Annotated:
        hint, said_as = get_args(hint)
    return said_as.key, NoneType not in get_args(hint), _choose_conversion(hint, said_as.node)


def _make_reader(body: type[Body]) -> BodyReader:
    hints = get_type_hints(body, include_extras=True)
    keys, needed, reads = zip(
        *(_describe_field(f.name, hints[f.name]) for f in fields(body)), strict=True
    )
    return BodyReader(keys, needed, tuple((n, read) for n, read in enumerate(reads) if read))


READERS = {body: _make_reader(body) for body in BODIES.values()}


def read_body(kind: ChangeKind, said: Mapping[str, Any]) -> Body:
    """What a change says; raises WrongBody where that is not what its kind says."""
    body: Any = BODIES[kind]
    reader = READERS[body]
    values = [said.get(key) for key in reader.keys]
    if None in values:
        for key, value, needed in zip(reader.keys, values, reader.needed, strict=True):
            if needed and value is None:
                raise WrongBody(f"{kind}: {key} is missing.")
    for n, read in reader.converted:
        if (value := values[n]) is not None:
            try:
                values[n] = read(value)
            except (ValueError, TypeError) as error:
                raise WrongBody(f"{kind}: {reader.keys[n]} can't be {value!r}.") from error
    read_as: Body = body(*values)
    return read_as
