from datetime import datetime
from typing import Any, Literal, Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import FindingLevel, Scope, StageEffect, SubmissionState, WaitingKind, Why


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


class ChangePart(BaseModel):
    cursor: str
    kind: str
    at: datetime
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    body: Any


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


class FindingPart(BaseModel):
    file: str
    line: int
    section: str
    key: str
    message: str
    level: FindingLevel


class HoldPart(BaseModel):
    id: str
    scope: Scope
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


class SubmissionPartWaiting(BaseModel):
    reason: str
    position: int


class SubmissionPartStage(BaseModel):
    id: str
    name: str


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
        "CredentialInUse",
        "CursorMoved",
        "DatasetWithoutFiles",
        "DiscrepancyOver",
        "FileDiffers",
        "IdempotencyKeyReused",
        "Invalid",
        "InvalidCampaign",
        "InvalidCampaignFile",
        "InvalidFiles",
        "InvalidJobType",
        "InvalidLoginSetup",
        "LaunchesHeld",
        "NameTaken",
        "NotFound",
        "NotHeld",
        "NotLaunchable",
        "NotPermitted",
        "NotPossibleNow",
        "NothingToLaunch",
        "PlanChanged",
        "PlanUnknown",
        "Problem",
        "StageBusy",
        "StageInactive",
        "StaleRevision",
        "StaleVersion",
        "TooMany",
    ] = Field(alias="__typename")
    message: str


class OutputPart(BaseModel):
    sequence: int
    attempt: int
    text: str
    at: datetime


class PagePart(BaseModel):
    has_next_page: bool = Field(alias="hasNextPage")
    end_cursor: Optional[str] = Field(alias="endCursor")


class PlanPart(BaseModel):
    plan_hash: str = Field(alias="planHash")
    type_: str = Field(alias="type")
    taken: int
    everything: int
    bytes_: int = Field(alias="bytes")
    jobs: int
    counts: list["PlanPartCounts"]
    command: list[str]
    resources: "PlanPartResources"


class PlanPartCounts(BaseModel):
    why: Why
    is_taken: bool = Field(alias="isTaken")
    count: int


class PlanPartResources(BaseModel):
    cpus: Optional[int]
    memory_mb: Optional[int] = Field(alias="memoryMb")
    disk_mb: Optional[int] = Field(alias="diskMb")
    walltime_s: Optional[int] = Field(alias="walltimeS")


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
    events_located: int = Field(alias="eventsLocated")
    cpu_efficiency: Optional[float] = Field(alias="cpuEfficiency")
    wall_efficiency: Optional[float] = Field(alias="wallEfficiency")
    memory_efficiency: Optional[float] = Field(alias="memoryEfficiency")


class StagePartSubmissions(BaseModel):
    state: SubmissionState
    count: int


class ProgressPart(BaseModel):
    stages: list["ProgressPartStages"]


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
    kind: WaitingKind
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


CampaignPart.model_rebuild()
ChangePart.model_rebuild()
Counts.model_rebuild()
FindingPart.model_rebuild()
HoldPart.model_rebuild()
ImportPart.model_rebuild()
SubmissionPart.model_rebuild()
LaunchPart.model_rebuild()
OutputPart.model_rebuild()
PagePart.model_rebuild()
PlanPart.model_rebuild()
StagePart.model_rebuild()
ProgressPart.model_rebuild()
QueuedPart.model_rebuild()
