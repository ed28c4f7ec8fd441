"""What may happen, as a client sees it: an interface, and a type for all kinds that say the same of it."""

from datetime import datetime

import strawberry

from domain.changes import ChangeKind, ServicePart
from domain.discrepancies import DiscrepancyKind, Repair
from domain.files.listings import ListingState
from domain.permissions import Role
from domain.submissions.jobs import JobActionVerb
from domain.submissions.submissions import SubmissionState
from door.describe import declare_enum_type, declare_interface_type, declare_object_type
from schema.context import Info
from schema.fields import declare_query
from schema.numbers import BigInt
from schema.people.people import Person, load_person
from schema.submissions import launches, progress  # noqa: F401 - they declare enums

for enum in (ChangeKind, ServicePart, DiscrepancyKind, Repair):
    declare_enum_type(enum)


@declare_interface_type
class Change:
    """One thing that happened: when, by whom, and why. What else there is to say of it, its type says."""

    cursor: str
    """Give it as `after` to go on behind it: nothing is missed; only what is not in the one order yet comes again."""
    kind: ChangeKind | None
    """What happened; null: something that this server does not know yet, as while it is brought up to date."""
    at: datetime
    """When it happened."""
    part: ServicePart | None
    """The part of the service that did it by itself; null: the actor did it."""
    reason: str
    """Why, in words; empty where nobody has said it."""
    experiment_id: strawberry.ID | None
    """Whose it is; null: everybody's, as is what happens to a batch system."""
    campaign_id: strawberry.ID | None
    """The campaign that it is about, if it is about one."""
    submission_id: strawberry.ID | None
    """The submission that it is about, if it is about one."""
    subject_id: strawberry.ID | None
    """What it happened to, as exactly as can be said; null: to a batch system, or to everything."""
    actor_id: strawberry.Private[int | None]

    @declare_query()
    async def actor(self, info: Info) -> Person | None:
        """Who did it; null: the service, or nobody knows it any more."""
        return await load_person(info, self.actor_id) if self.actor_id else None


@declare_object_type
class SubmissionChange(Change):
    """A submission has moved on, and was like this after it."""

    revision: int
    """Grows with each change of the submission."""
    state: SubmissionState
    """Where it was then."""
    stage_id: strawberry.ID
    """The stage that it is a launch of."""
    is_test: bool
    """Whether it is a test launch."""
    jobs_total: int
    """How many jobs it had."""
    jobs_idle: int
    """How many of them waited."""
    jobs_running: int
    """How many of them ran."""
    jobs_held: int
    """How many of them were held."""
    jobs_succeeded: int
    """How many of them had succeeded."""
    jobs_failed: int
    """How many of them had failed."""
    jobs_removed: int
    """How many of them had been removed."""
    files_total: BigInt
    """How many input files it had."""
    files_done: BigInt
    """How many of them were done."""
    files_failed: BigInt
    """How many of them had failed."""
    outputs_declared: BigInt
    """How many outputs jobs said they had made, and nobody had seen."""
    outputs_located: BigInt
    """How many outputs were there."""


@declare_object_type
class SilenceChange(Change):
    """A submission was not heard of for long, or is heard of again; why is the `reason`."""

    revision: int
    """Grows with each change of the submission."""


@declare_object_type
class JobsChange(Change):
    """Jobs of a submission have moved: how many more (or fewer) are in each state since."""

    idle: int
    """More that wait."""
    running: int
    """More that run."""
    held: int
    """More that are held."""
    unknown: int
    """More of which nothing is known."""
    succeeded: int
    """More that have succeeded."""
    failed: int
    """More that have failed."""
    removed: int
    """More that were removed."""


@declare_object_type
class InputsChange(Change):
    """Inputs of a submission were waived: nobody wants them done any more."""

    waived_count: BigInt
    """How many."""


@declare_object_type
class ActionChange(Change):
    """Something was asked of a submission's jobs, or was carried out."""

    verb: JobActionVerb
    """What was asked for."""
    result_message: str | None
    """What came of it; null when it is asked."""


@declare_object_type
class DiscrepancyChange(Change):
    """The database and a batch system say different things, or don't any more."""

    discrepancy_kind: DiscrepancyKind
    """How they differ."""
    batch_system: str
    """Where; empty where it is at none."""
    native_id: str
    """The cluster's id there, or what else it is about."""
    details: str | None
    """What is said by whom; said when it is filed."""
    repair: Repair | None
    """What would set it right; said when it is filed."""


@declare_object_type
class CampaignChange(Change):
    """A campaign was saved or deleted, and was like this after it."""

    name: str
    """What it is called."""
    revision: int
    """Its revision since, or its last one."""
    active: bool | None
    """Whether it launches; null where that was not saved."""
    draft: bool | None
    """Whether its revision can't be launched; null where that was not saved."""
    tags: list[str] | None
    """Its tags; null where they were not saved."""


@declare_object_type
class HandOverChange(Change):
    """Something has another owner; in a campaign, what runs in somebody's name does so in another's."""

    name: str
    """What it is called."""
    from_person_id: strawberry.ID
    """Who had it."""
    to_person_id: strawberry.ID
    """Who has it since."""


@declare_object_type
class ScheduleChange(Change):
    """The schedule of a stage launches nothing."""

    person_id: strawberry.ID
    """In whose name it would launch."""


@declare_object_type
class CursorChange(Change):
    """Somebody has moved the cursor of a stage."""

    is_test: bool
    """Whether it is the cursor of its test launches."""
    epoch: int
    """In which epoch it stands since."""
    position: BigInt
    """Where it stands since."""


@declare_object_type
class LaunchHoldChange(Change):
    """Launches are held, or are not any more."""

    held_stage_id: strawberry.ID | None
    """The stage whose launches it holds; null: of a campaign, an experiment or everything."""


@declare_object_type
class LaunchLimitsChange(Change):
    """A campaign or an experiment has other limits."""

    most_unfinished: int | None
    """How many submissions it may have at once; null: any number."""
    most_jobs: int | None
    """How many jobs it may have at once; null: any number."""


@declare_object_type
class PriorityChange(Change):
    """Later launches of a campaign have another priority."""

    priority: int
    """The priority since."""


@declare_object_type
class DatasetChange(Change):
    """A dataset was made, or has grown."""

    name: str
    """What it is called."""
    added_count: int | None
    """How many files were added; null when it was made."""
    file_count: BigInt | None
    """How many files it has since; null when it was made."""


@declare_object_type
class DatasetListingChange(Change):
    """What a dataset's catalog has of it was asked for, is known now, waits for a decision, or is unknown."""

    name: str
    """What the dataset is called."""
    listing_state: ListingState
    """How far the listing is."""
    text: str | None
    """What is wrong with it; empty: nothing."""
    fresh_count: BigInt
    """How many files it has that the dataset had not."""
    gone_count: BigInt
    """How many files of the dataset it has no more."""
    differing_count: BigInt
    """How many files it has otherwise than the experiment."""


@declare_object_type
class CatalogChange(Change):
    """A catalog was recorded, does not do what it is asked, or does so again."""

    name: str
    """What it is called."""
    text: str | None
    """Why it does not; null or empty: it does, or nothing is said of it."""


@declare_object_type
class JobTypeChange(Change):
    """A job type was saved."""

    name: str
    """What it is called."""
    version: int
    """Its version since."""


@declare_object_type
class UploadChange(Change):
    """Somebody has brought or removed a file for launch scripts."""

    name: str
    """What it is called."""


@declare_object_type
class ServiceTokenChange(Change):
    """Somebody has made or revoked a token for scripts."""

    name: str
    """What it is called."""


@declare_object_type
class LoginSetupChange(Change):
    """A login setup was saved."""

    name: str
    """What it is called."""
    version: int
    """Its version since."""


@declare_object_type
class LaunchHostChange(Change):
    """A launch host was made, or has other accounts."""

    name: str
    """What it is called."""


@declare_object_type
class CredentialChange(Change):
    """A credential was recorded, renewed or forgotten, or soon holds no more."""

    name: str
    """What it is called."""
    expires_at: datetime | None
    """Until when it holds, as far as that is known."""


@declare_object_type
class BatchAllowanceChange(Change):
    """An experiment may name other things at a batch system."""

    batch_system: str
    """Where."""
    partitions: list[str]
    """Which partitions."""
    accounts: list[str]
    """Which accounts."""
    qos: list[str]
    """Which qualities of service."""
    accounting_group: str
    """In which accounting group; empty: in any."""


@declare_object_type
class BatchSystemChange(Change):
    """Something happened to a batch system."""

    batch_system: str
    """To which one."""
    text: str | None
    """What it, or a launch there, has said."""


@declare_object_type
class PersonChange(Change):
    """A person may sign in or not, or tokens of theirs were revoked; the subject is the person."""


@declare_object_type
class MembershipChange(Change):
    """A person, the subject, has another role in an experiment."""

    role: Role | None
    """The role since; null: they are in it no more."""


@declare_object_type
class OtherChange(Change):
    """Something that this server can't say more of."""

    name: str
    """What happened, in the words of whoever wrote it."""
