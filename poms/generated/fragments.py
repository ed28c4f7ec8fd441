from datetime import datetime
from typing import Literal, Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import (
    AccountVerdict,
    AskKind,
    ChangeKind,
    DiscrepancyKind,
    FindingLevel,
    JobActionVerb,
    LaunchScope,
    LaunchWaitKind,
    ListingState,
    RecoveryVerdict,
    Repair,
    RequestDecisionKind,
    RequestPart,
    RequestState,
    Role,
    ServicePart,
    StageEffect,
    SubmissionState,
    TokenScope,
)


class AccountPart(BaseModel):
    verdict: AccountVerdict
    given: int
    done: "AccountPartDone"
    in_work: "AccountPartInWork" = Field(alias="inWork")
    waiting: "AccountPartWaiting"
    owed: "AccountPartOwed"
    lost: "AccountPartLost"
    waived: "AccountPartWaived"
    not_launched: Optional[int] = Field(alias="notLaunched")
    launches: int
    launches_located: "AccountPartLaunchesLocated" = Field(alias="launchesLocated")
    outputs: int
    outputs_located: "AccountPartOutputsLocated" = Field(alias="outputsLocated")
    outputs_declared: "AccountPartOutputsDeclared" = Field(alias="outputsDeclared")
    outputs_lost: "AccountPartOutputsLost" = Field(alias="outputsLost")
    outputs_refused: "AccountPartOutputsRefused" = Field(alias="outputsRefused")
    events_located: int = Field(alias="eventsLocated")


class AccountPartDone(BaseModel):
    count: int
    percent: Optional[float]


class AccountPartInWork(BaseModel):
    count: int
    percent: Optional[float]


class AccountPartWaiting(BaseModel):
    count: int
    percent: Optional[float]


class AccountPartOwed(BaseModel):
    count: int
    percent: Optional[float]


class AccountPartLost(BaseModel):
    count: int
    percent: Optional[float]


class AccountPartWaived(BaseModel):
    count: int
    percent: Optional[float]


class AccountPartLaunchesLocated(BaseModel):
    count: int
    percent: Optional[float]


class AccountPartOutputsLocated(BaseModel):
    count: int
    percent: Optional[float]


class AccountPartOutputsDeclared(BaseModel):
    count: int
    percent: Optional[float]


class AccountPartOutputsLost(BaseModel):
    count: int
    percent: Optional[float]


class AccountPartOutputsRefused(BaseModel):
    count: int
    percent: Optional[float]


class ActionChangePart(BaseModel):
    verb: JobActionVerb
    result_message: Optional[str] = Field(alias="resultMessage")


class ApprovalRulesChangePart(BaseModel):
    rules: list[str]


class BatchAllowanceChangePart(BaseModel):
    batch_system: str = Field(alias="batchSystem")
    partitions: list[str]
    accounts: list[str]
    qos: list[str]
    accounting_group: str = Field(alias="accountingGroup")


class BatchSystemChangePart(BaseModel):
    batch_system: str = Field(alias="batchSystem")
    text: Optional[str]


class CampaignChangePart(BaseModel):
    name: str
    revision: int
    active: Optional[bool]
    draft: Optional[bool]
    tags: Optional[list[str]]


class CampaignPart(BaseModel):
    id: str
    name: str
    description: str
    active: bool
    draft: bool
    revision: int
    updated_at: datetime = Field(alias="updatedAt")
    experiment: "CampaignPartExperiment"
    owner: "CampaignPartOwner"
    stages: list["CampaignPartStages"]


class CampaignPartExperiment(BaseModel):
    name: str


class CampaignPartOwner(BaseModel):
    username: str


class CampaignPartStages(BaseModel):
    id: str
    name: str
    unfinished: int


class CatalogChangePart(BaseModel):
    name: str
    text: Optional[str]


class Counts(BaseModel):
    jobs_total: int = Field(alias="jobsTotal")
    jobs_idle: int = Field(alias="jobsIdle")
    jobs_running: int = Field(alias="jobsRunning")
    jobs_held: int = Field(alias="jobsHeld")
    jobs_succeeded: int = Field(alias="jobsSucceeded")
    jobs_failed: int = Field(alias="jobsFailed")
    jobs_removed: int = Field(alias="jobsRemoved")
    jobs_unknown: int = Field(alias="jobsUnknown")
    files_total: int = Field(alias="filesTotal")
    files_done: int = Field(alias="filesDone")
    files_failed: int = Field(alias="filesFailed")
    outputs_declared: int = Field(alias="outputsDeclared")
    outputs_located: int = Field(alias="outputsLocated")


class CredentialChangePart(BaseModel):
    name: str
    expires_at: Optional[datetime] = Field(alias="expiresAt")


class CursorChangePart(BaseModel):
    is_test: bool = Field(alias="isTest")
    epoch: int
    position: int


class DatasetChangePart(BaseModel):
    name: str
    added_count: Optional[int] = Field(alias="addedCount")
    file_count: Optional[int] = Field(alias="fileCount")


class DatasetListingChangePart(BaseModel):
    name: str
    listing_state: ListingState = Field(alias="listingState")
    text: Optional[str]
    fresh_count: int = Field(alias="freshCount")
    gone_count: int = Field(alias="goneCount")
    differing_count: int = Field(alias="differingCount")


class DiscrepancyChangePart(BaseModel):
    discrepancy_kind: DiscrepancyKind = Field(alias="discrepancyKind")
    batch_system: str = Field(alias="batchSystem")
    native_id: str = Field(alias="nativeId")
    details: Optional[str]
    repair: Optional[Repair]


class ExperimentChangePart(BaseModel):
    name: str


class FileCheckPart(BaseModel):
    is_pending: bool = Field(alias="isPending")
    is_whole: bool = Field(alias="isWhole")
    done_at: Optional[datetime] = Field(alias="doneAt")
    age_s: Optional[int] = Field(alias="ageS")
    files: int
    looked: int
    missing: int
    other_size: int = Field(alias="otherSize")
    on_tape: int = Field(alias="onTape")
    unknown: int
    examples: list["FileCheckPartExamples"]
    trouble: str


class FileCheckPartExamples(BaseModel):
    name: str
    location: Optional[str]
    problem: str


class FindingPart(BaseModel):
    file: str
    line: int
    section: str
    key: str
    message: str
    level: FindingLevel


class FoldersChangePart(BaseModel):
    folders: list[str]


class HandOverChangePart(BaseModel):
    name: str
    from_person_id: str = Field(alias="fromPersonId")
    to_person_id: str = Field(alias="toPersonId")


class HoldPart(BaseModel):
    id: str
    scope: LaunchScope
    name: str
    reason: str
    held_at: datetime = Field(alias="heldAt")
    held_by: "HoldPartHeldBy" = Field(alias="heldBy")
    released_at: Optional[datetime] = Field(alias="releasedAt")


class HoldPartHeldBy(BaseModel):
    username: str


class ImportPart(BaseModel):
    name: str
    revision: int
    is_unchanged: bool = Field(alias="isUnchanged")
    draft: bool
    changes: list["ImportPartChanges"]
    job_types: list[str] = Field(alias="jobTypes")
    login_setups: list[str] = Field(alias="loginSetups")
    findings: list["ImportPartFindings"]


class ImportPartChanges(BaseModel):
    stage: str
    change: StageEffect
    fields: list[str]
    starts_again: bool = Field(alias="startsAgain")


class ImportPartFindings(FindingPart):
    pass


class InputsChangePart(BaseModel):
    waived_count: int = Field(alias="waivedCount")


class JobTypeChangePart(BaseModel):
    name: str
    version: int


class JobsChangePart(BaseModel):
    idle: int
    running: int
    held: int
    unknown: int
    succeeded: int
    failed: int
    removed: int


class LaunchHoldChangePart(BaseModel):
    held_stage_id: Optional[str] = Field(alias="heldStageId")


class LaunchHostChangePart(BaseModel):
    name: str


class LaunchLimitsChangePart(BaseModel):
    most_unfinished: Optional[int] = Field(alias="mostUnfinished")
    most_jobs: Optional[int] = Field(alias="mostJobs")


class SubmissionPart(Counts):
    id: str
    state: SubmissionState
    state_since: datetime = Field(alias="stateSince")
    reason: str
    is_test: bool = Field(alias="isTest")
    created_at: datetime = Field(alias="createdAt")
    batch_system: str = Field(alias="batchSystem")
    round: Optional[int]
    overdue_since: Optional[datetime] = Field(alias="overdueSince")
    waiting: Optional["SubmissionPartWaiting"]
    stage: "SubmissionPartStage"
    account: "SubmissionPartAccount"


class SubmissionPartWaiting(BaseModel):
    reason: str
    position: int


class SubmissionPartStage(BaseModel):
    id: str
    name: str


class SubmissionPartAccount(AccountPart):
    pass


class LaunchPart(BaseModel):
    launches: list["LaunchPartLaunches"]


class LaunchPartLaunches(BaseModel):
    stage_id: str = Field(alias="stageId")
    submission: Optional["LaunchPartLaunchesSubmission"]
    problem: Optional["LaunchPartLaunchesProblem"]


class LaunchPartLaunchesSubmission(SubmissionPart):
    pass


class LaunchPartLaunchesProblem(BaseModel):
    typename__: Literal[
        "AlreadyHeld",
        "CampaignHasSubmissions",
        "CannotOwn",
        "CredentialInUse",
        "CursorMoved",
        "DatasetWithoutFiles",
        "DiscrepancyOver",
        "FileDiffers",
        "IdempotencyKeyReused",
        "Invalid",
        "InvalidApprovalRules",
        "InvalidCampaign",
        "InvalidCampaignFile",
        "InvalidFiles",
        "InvalidJobType",
        "InvalidLoginSetup",
        "InvalidRequest",
        "LastAdmin",
        "LaunchesHeld",
        "NameTaken",
        "NotAskedToDecide",
        "NotFound",
        "NotHeld",
        "NotLaunchable",
        "NotPermitted",
        "NotPossibleNow",
        "NothingToLaunch",
        "PlanChanged",
        "PlanUnknown",
        "Problem",
        "RequestChanged",
        "StageBusy",
        "StageInactive",
        "StaleRequest",
        "StaleRevision",
        "StaleVersion",
        "TooMany",
        "TryAgainLater",
        "WrongRequestState",
    ] = Field(alias="__typename")
    message: str


class LinksChangePart(BaseModel):
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["LinksChangePartActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")
    links: list[str]


class LinksChangePartActor(BaseModel):
    id: str
    username: str


class LoginSetupChangePart(BaseModel):
    name: str
    version: int


class MembershipChangePart(BaseModel):
    role: Optional[Role]


class OutputPart(BaseModel):
    cursor: str
    attempt: int
    text: str
    at: datetime


class PagePart(BaseModel):
    has_next_page: bool = Field(alias="hasNextPage")
    end_cursor: Optional[str] = Field(alias="endCursor")


class PlanPart(BaseModel):
    plan_hash: str = Field(alias="planHash")
    type_: str = Field(alias="type")
    taken_count: int = Field(alias="takenCount")
    total_count: int = Field(alias="totalCount")
    bytes_: int = Field(alias="bytes")
    jobs: int
    counts: list["PlanPartCounts"]
    command: list[str]
    resources: "PlanPartResources"


class PlanPartCounts(BaseModel):
    verdict: RecoveryVerdict
    is_taken: bool = Field(alias="isTaken")
    count: int


class PlanPartResources(BaseModel):
    cpus: Optional[int]
    memory_mb: Optional[int] = Field(alias="memoryMb")
    disk_mb: Optional[int] = Field(alias="diskMb")
    walltime_s: Optional[int] = Field(alias="walltimeS")


class PriorityChangePart(BaseModel):
    priority: int


class StagePart(BaseModel):
    stage_id: str = Field(alias="stageId")
    name: str
    slices: int
    submissions_total: int = Field(alias="submissionsTotal")
    submissions: list["StagePartSubmissions"]
    jobs_total: int = Field(alias="jobsTotal")
    jobs_idle: int = Field(alias="jobsIdle")
    jobs_running: int = Field(alias="jobsRunning")
    jobs_held: int = Field(alias="jobsHeld")
    jobs_succeeded: int = Field(alias="jobsSucceeded")
    jobs_failed: int = Field(alias="jobsFailed")
    jobs_removed: int = Field(alias="jobsRemoved")
    files_waiting: int = Field(alias="filesWaiting")
    files_delivered: int = Field(alias="filesDelivered")
    files_consumed: int = Field(alias="filesConsumed")
    files_skipped: int = Field(alias="filesSkipped")
    files_done: int = Field(alias="filesDone")
    files_failed: int = Field(alias="filesFailed")
    outputs_declared: int = Field(alias="outputsDeclared")
    outputs_located: int = Field(alias="outputsLocated")
    outputs_superseded: int = Field(alias="outputsSuperseded")
    outputs_refused: int = Field(alias="outputsRefused")
    events_located: int = Field(alias="eventsLocated")
    cpu_efficiency: Optional[float] = Field(alias="cpuEfficiency")
    wall_efficiency: Optional[float] = Field(alias="wallEfficiency")
    memory_efficiency: Optional[float] = Field(alias="memoryEfficiency")
    account: "StagePartAccount"


class StagePartSubmissions(BaseModel):
    state: SubmissionState
    count: int


class StagePartAccount(AccountPart):
    pass


class ProgressPart(BaseModel):
    account: "ProgressPartAccount"
    stages: list["ProgressPartStages"]


class ProgressPartAccount(AccountPart):
    pass


class ProgressPartStages(StagePart):
    pass


class QueuedPart(BaseModel):
    id: str
    is_test: bool = Field(alias="isTest")
    priority: int
    jobs_total: int = Field(alias="jobsTotal")
    waiting: Optional["QueuedPartWaiting"]
    stage: "QueuedPartStage"
    campaign: "QueuedPartCampaign"
    experiment: "QueuedPartExperiment"


class QueuedPartWaiting(BaseModel):
    kind: LaunchWaitKind
    reason: str
    reasons: list[str]
    position: int
    since: datetime


class QueuedPartStage(BaseModel):
    id: str
    name: str


class QueuedPartCampaign(BaseModel):
    id: str
    name: str


class QueuedPartExperiment(BaseModel):
    name: str


class RequestChangePart(BaseModel):
    number: int
    title: str
    revision: int


class RequestDetailPart(BaseModel):
    id: str
    name: str
    title: str
    purpose: str
    state: RequestState
    state_since: datetime = Field(alias="stateSince")
    revision: int
    plan_hash: str = Field(alias="planHash")
    cpu_hours_band: str = Field(alias="cpuHoursBand")
    owner: "RequestDetailPartOwner"
    campaign: Optional["RequestDetailPartCampaign"]
    asks: list["RequestDetailPartAsks"]
    waiting_on: list["RequestDetailPartWaitingOn"] = Field(alias="waitingOn")
    decisions: list["RequestDetailPartDecisions"]


class RequestDetailPartOwner(BaseModel):
    username: str


class RequestDetailPartCampaign(BaseModel):
    id: str
    name: str


class RequestDetailPartAsks(BaseModel):
    kind: AskKind
    dataset: Optional[str]
    files: Optional[int]
    events: Optional[int]
    software_version: str = Field(alias="softwareVersion")


class RequestDetailPartWaitingOn(BaseModel):
    rule: str
    is_test: bool = Field(alias="isTest")
    reason: str
    is_turn: bool = Field(alias="isTurn")


class RequestDetailPartDecisions(BaseModel):
    id: str
    kind: RequestDecisionKind
    at: datetime
    comment: str
    withdrawn_at: Optional[datetime] = Field(alias="withdrawnAt")
    changed_since: list[RequestPart] = Field(alias="changedSince")
    person: "RequestDetailPartDecisionsPerson"
    behalf_of: Optional["RequestDetailPartDecisionsBehalfOf"] = Field(alias="behalfOf")


class RequestDetailPartDecisionsPerson(BaseModel):
    username: str


class RequestDetailPartDecisionsBehalfOf(BaseModel):
    username: str


class ScheduleChangePart(BaseModel):
    person_id: str = Field(alias="personId")


class ServiceTokenChangePart(BaseModel):
    name: str


class ServiceTokenPart(BaseModel):
    id: str
    name: str
    scopes: list[TokenScope]
    owner: "ServiceTokenPartOwner"
    created_at: datetime = Field(alias="createdAt")
    expires_at: datetime = Field(alias="expiresAt")
    last_used_at: Optional[datetime] = Field(alias="lastUsedAt")
    revoked_at: Optional[datetime] = Field(alias="revokedAt")


class ServiceTokenPartOwner(BaseModel):
    username: str


class SilenceChangePart(BaseModel):
    revision: int


class SubmissionChangePart(BaseModel):
    revision: int
    state: SubmissionState
    stage_id: str = Field(alias="stageId")
    is_test: bool = Field(alias="isTest")
    jobs_total: int = Field(alias="jobsTotal")
    jobs_idle: int = Field(alias="jobsIdle")
    jobs_running: int = Field(alias="jobsRunning")
    jobs_held: int = Field(alias="jobsHeld")
    jobs_succeeded: int = Field(alias="jobsSucceeded")
    jobs_failed: int = Field(alias="jobsFailed")
    jobs_removed: int = Field(alias="jobsRemoved")
    files_total: int = Field(alias="filesTotal")
    files_done: int = Field(alias="filesDone")
    files_failed: int = Field(alias="filesFailed")
    outputs_declared: int = Field(alias="outputsDeclared")
    outputs_located: int = Field(alias="outputsLocated")


class SummariesChangePart(BaseModel):
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["SummariesChangePartActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")
    summaries: list[str]


class SummariesChangePartActor(BaseModel):
    id: str
    username: str


class SummaryChangePart(BaseModel):
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["SummaryChangePartActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")
    title: str
    value: Optional[float]


class SummaryChangePartActor(BaseModel):
    id: str
    username: str


class UploadChangePart(BaseModel):
    name: str


AccountPart.model_rebuild()
ActionChangePart.model_rebuild()
ApprovalRulesChangePart.model_rebuild()
BatchAllowanceChangePart.model_rebuild()
BatchSystemChangePart.model_rebuild()
CampaignChangePart.model_rebuild()
CampaignPart.model_rebuild()
CatalogChangePart.model_rebuild()
Counts.model_rebuild()
CredentialChangePart.model_rebuild()
CursorChangePart.model_rebuild()
DatasetChangePart.model_rebuild()
DatasetListingChangePart.model_rebuild()
DiscrepancyChangePart.model_rebuild()
ExperimentChangePart.model_rebuild()
FileCheckPart.model_rebuild()
FindingPart.model_rebuild()
FoldersChangePart.model_rebuild()
HandOverChangePart.model_rebuild()
HoldPart.model_rebuild()
ImportPart.model_rebuild()
InputsChangePart.model_rebuild()
JobTypeChangePart.model_rebuild()
JobsChangePart.model_rebuild()
LaunchHoldChangePart.model_rebuild()
LaunchHostChangePart.model_rebuild()
LaunchLimitsChangePart.model_rebuild()
SubmissionPart.model_rebuild()
LaunchPart.model_rebuild()
LinksChangePart.model_rebuild()
LoginSetupChangePart.model_rebuild()
MembershipChangePart.model_rebuild()
OutputPart.model_rebuild()
PagePart.model_rebuild()
PlanPart.model_rebuild()
PriorityChangePart.model_rebuild()
StagePart.model_rebuild()
ProgressPart.model_rebuild()
QueuedPart.model_rebuild()
RequestChangePart.model_rebuild()
RequestDetailPart.model_rebuild()
ScheduleChangePart.model_rebuild()
ServiceTokenChangePart.model_rebuild()
ServiceTokenPart.model_rebuild()
SilenceChangePart.model_rebuild()
SubmissionChangePart.model_rebuild()
SummariesChangePart.model_rebuild()
SummaryChangePart.model_rebuild()
UploadChangePart.model_rebuild()
