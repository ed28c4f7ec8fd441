from datetime import datetime
from typing import Literal, Optional, Union

from pydantic import Field

from .base_model import BaseModel
from .enums import ChangeKind, ServicePart
from .fragments import (  # noqa: F401
    ActionChangePart,
    ApprovalRulesChangePart,
    BatchAllowanceChangePart,
    BatchSystemChangePart,
    CampaignChangePart,
    CatalogChangePart,
    CredentialChangePart,
    CursorChangePart,
    DatasetChangePart,
    DatasetListingChangePart,
    DiscrepancyChangePart,
    ExperimentChangePart,
    FoldersChangePart,
    HandOverChangePart,
    InputsChangePart,
    JobsChangePart,
    JobTypeChangePart,
    LaunchHoldChangePart,
    LaunchHostChangePart,
    LaunchLimitsChangePart,
    LinksChangePart,
    LinksChangePartActor,
    LoginSetupChangePart,
    MembershipChangePart,
    PriorityChangePart,
    RequestChangePart,
    ScheduleChangePart,
    ServiceTokenChangePart,
    SilenceChangePart,
    SubmissionChangePart,
    SummariesChangePart,
    SummariesChangePartActor,
    SummaryChangePart,
    SummaryChangePartActor,
    UploadChangePart,
)


class WatchChanges(BaseModel):
    changes: Union[
        "WatchChangesChangesActionChange",
        "WatchChangesChangesApprovalRulesChange",
        "WatchChangesChangesBatchAllowanceChange",
        "WatchChangesChangesBatchSystemChange",
        "WatchChangesChangesCampaignChange",
        "WatchChangesChangesCredentialChange",
        "WatchChangesChangesCursorChange",
        "WatchChangesChangesCatalogChange",
        "WatchChangesChangesDatasetChange",
        "WatchChangesChangesDatasetListingChange",
        "WatchChangesChangesDiscrepancyChange",
        "WatchChangesChangesExperimentChange",
        "WatchChangesChangesFoldersChange",
        "WatchChangesChangesHandOverChange",
        "WatchChangesChangesJobTypeChange",
        "WatchChangesChangesUploadChange",
        "WatchChangesChangesServiceTokenChange",
        "WatchChangesChangesInputsChange",
        "WatchChangesChangesJobsChange",
        "WatchChangesChangesLaunchHoldChange",
        "WatchChangesChangesLaunchHostChange",
        "WatchChangesChangesLaunchLimitsChange",
        "WatchChangesChangesLinksChange",
        "WatchChangesChangesSummariesChange",
        "WatchChangesChangesSummaryChange",
        "WatchChangesChangesLoginSetupChange",
        "WatchChangesChangesMembershipChange",
        "WatchChangesChangesOtherChange",
        "WatchChangesChangesPersonChange",
        "WatchChangesChangesPriorityChange",
        "WatchChangesChangesRequestChange",
        "WatchChangesChangesScheduleChange",
        "WatchChangesChangesSilenceChange",
        "WatchChangesChangesSubmissionChange",
        "WatchChangesChangesHeartbeat",
        "WatchChangesChangesCursorExpired",
        "WatchChangesChangesCursorFromAnotherHistory",
        "WatchChangesChangesNotFound",
    ] = Field(discriminator="typename__")


class WatchChangesChangesActionChange(ActionChangePart):
    typename__: Literal["ActionChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesActionChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesActionChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesApprovalRulesChange(ApprovalRulesChangePart):
    typename__: Literal["ApprovalRulesChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesApprovalRulesChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesApprovalRulesChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesBatchAllowanceChange(BatchAllowanceChangePart):
    typename__: Literal["BatchAllowanceChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesBatchAllowanceChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesBatchAllowanceChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesBatchSystemChange(BatchSystemChangePart):
    typename__: Literal["BatchSystemChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesBatchSystemChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesBatchSystemChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesCampaignChange(CampaignChangePart):
    typename__: Literal["CampaignChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesCampaignChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesCampaignChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesCredentialChange(CredentialChangePart):
    typename__: Literal["CredentialChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesCredentialChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesCredentialChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesCursorChange(CursorChangePart):
    typename__: Literal["CursorChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesCursorChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesCursorChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesCatalogChange(CatalogChangePart):
    typename__: Literal["CatalogChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesCatalogChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesCatalogChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesDatasetChange(DatasetChangePart):
    typename__: Literal["DatasetChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesDatasetChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesDatasetChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesDatasetListingChange(DatasetListingChangePart):
    typename__: Literal["DatasetListingChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesDatasetListingChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesDatasetListingChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesDiscrepancyChange(DiscrepancyChangePart):
    typename__: Literal["DiscrepancyChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesDiscrepancyChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesDiscrepancyChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesExperimentChange(ExperimentChangePart):
    typename__: Literal["ExperimentChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesExperimentChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesExperimentChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesFoldersChange(FoldersChangePart):
    typename__: Literal["FoldersChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesFoldersChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesFoldersChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesHandOverChange(HandOverChangePart):
    typename__: Literal["HandOverChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesHandOverChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesHandOverChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesJobTypeChange(JobTypeChangePart):
    typename__: Literal["JobTypeChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesJobTypeChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesJobTypeChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesUploadChange(UploadChangePart):
    typename__: Literal["UploadChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesUploadChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesUploadChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesServiceTokenChange(ServiceTokenChangePart):
    typename__: Literal["ServiceTokenChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesServiceTokenChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesServiceTokenChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesInputsChange(InputsChangePart):
    typename__: Literal["InputsChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesInputsChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesInputsChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesJobsChange(JobsChangePart):
    typename__: Literal["JobsChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesJobsChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesJobsChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesLaunchHoldChange(LaunchHoldChangePart):
    typename__: Literal["LaunchHoldChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesLaunchHoldChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesLaunchHoldChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesLaunchHostChange(LaunchHostChangePart):
    typename__: Literal["LaunchHostChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesLaunchHostChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesLaunchHostChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesLaunchLimitsChange(LaunchLimitsChangePart):
    typename__: Literal["LaunchLimitsChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesLaunchLimitsChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesLaunchLimitsChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesLinksChange(LinksChangePart):
    typename__: Literal["LinksChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesLinksChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesLinksChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesSummariesChange(SummariesChangePart):
    typename__: Literal["SummariesChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesSummariesChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesSummariesChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesSummaryChange(SummaryChangePart):
    typename__: Literal["SummaryChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesSummaryChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesSummaryChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesLoginSetupChange(LoginSetupChangePart):
    typename__: Literal["LoginSetupChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesLoginSetupChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesLoginSetupChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesMembershipChange(MembershipChangePart):
    typename__: Literal["MembershipChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesMembershipChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesMembershipChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesOtherChange(BaseModel):
    typename__: Literal["OtherChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesOtherChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesOtherChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesPersonChange(BaseModel):
    typename__: Literal["PersonChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesPersonChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesPersonChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesPriorityChange(PriorityChangePart):
    typename__: Literal["PriorityChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesPriorityChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesPriorityChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesRequestChange(RequestChangePart):
    typename__: Literal["RequestChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesRequestChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesRequestChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesScheduleChange(ScheduleChangePart):
    typename__: Literal["ScheduleChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesScheduleChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesScheduleChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesSilenceChange(SilenceChangePart):
    typename__: Literal["SilenceChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesSilenceChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesSilenceChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesSubmissionChange(SubmissionChangePart):
    typename__: Literal["SubmissionChange"] = Field(alias="__typename")
    cursor: str
    kind: Optional[ChangeKind]
    at: datetime
    actor: Optional["WatchChangesChangesSubmissionChangeActor"]
    part: Optional[ServicePart]
    reason: str
    experiment_id: Optional[str] = Field(alias="experimentId")
    campaign_id: Optional[str] = Field(alias="campaignId")
    submission_id: Optional[str] = Field(alias="submissionId")
    subject_id: Optional[str] = Field(alias="subjectId")


class WatchChangesChangesSubmissionChangeActor(BaseModel):
    id: str
    username: str


class WatchChangesChangesHeartbeat(BaseModel):
    typename__: Literal["Heartbeat"] = Field(alias="__typename")
    cursor: str


class WatchChangesChangesCursorExpired(BaseModel):
    typename__: Literal["CursorExpired"] = Field(alias="__typename")
    oldest: str


class WatchChangesChangesCursorFromAnotherHistory(BaseModel):
    typename__: Literal["CursorFromAnotherHistory"] = Field(alias="__typename")
    head: str


class WatchChangesChangesNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


WatchChanges.model_rebuild()
WatchChangesChangesActionChange.model_rebuild()
WatchChangesChangesApprovalRulesChange.model_rebuild()
WatchChangesChangesBatchAllowanceChange.model_rebuild()
WatchChangesChangesBatchSystemChange.model_rebuild()
WatchChangesChangesCampaignChange.model_rebuild()
WatchChangesChangesCredentialChange.model_rebuild()
WatchChangesChangesCursorChange.model_rebuild()
WatchChangesChangesCatalogChange.model_rebuild()
WatchChangesChangesDatasetChange.model_rebuild()
WatchChangesChangesDatasetListingChange.model_rebuild()
WatchChangesChangesDiscrepancyChange.model_rebuild()
WatchChangesChangesExperimentChange.model_rebuild()
WatchChangesChangesFoldersChange.model_rebuild()
WatchChangesChangesHandOverChange.model_rebuild()
WatchChangesChangesJobTypeChange.model_rebuild()
WatchChangesChangesUploadChange.model_rebuild()
WatchChangesChangesServiceTokenChange.model_rebuild()
WatchChangesChangesInputsChange.model_rebuild()
WatchChangesChangesJobsChange.model_rebuild()
WatchChangesChangesLaunchHoldChange.model_rebuild()
WatchChangesChangesLaunchHostChange.model_rebuild()
WatchChangesChangesLaunchLimitsChange.model_rebuild()
WatchChangesChangesLinksChange.model_rebuild()
WatchChangesChangesSummariesChange.model_rebuild()
WatchChangesChangesSummaryChange.model_rebuild()
WatchChangesChangesLoginSetupChange.model_rebuild()
WatchChangesChangesMembershipChange.model_rebuild()
WatchChangesChangesOtherChange.model_rebuild()
WatchChangesChangesPersonChange.model_rebuild()
WatchChangesChangesPriorityChange.model_rebuild()
WatchChangesChangesRequestChange.model_rebuild()
WatchChangesChangesScheduleChange.model_rebuild()
WatchChangesChangesSilenceChange.model_rebuild()
WatchChangesChangesSubmissionChange.model_rebuild()
