from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import (  # noqa: F401
    SubmissionPart,
    SubmissionPartAccount,
    SubmissionPartStage,
    SubmissionPartWaiting,
)


class LaunchStage(BaseModel):
    launch_stage: Union[
        "LaunchStageLaunchStageSubmission",
        "LaunchStageLaunchStageNotFound",
        "LaunchStageLaunchStageNotPermitted",
        "LaunchStageLaunchStageTryAgainLater",
        "LaunchStageLaunchStageIdempotencyKeyReused",
        "LaunchStageLaunchStageInvalid",
        "LaunchStageLaunchStageStageBusy",
        "LaunchStageLaunchStageLaunchesHeld",
        "LaunchStageLaunchStageNothingToLaunch",
        "LaunchStageLaunchStageDatasetWithoutFiles",
        "LaunchStageLaunchStageStageInactive",
        "LaunchStageLaunchStageNotLaunchable",
        "LaunchStageLaunchStagePlanChanged",
        "LaunchStageLaunchStagePlanUnknown",
    ] = Field(alias="launchStage", discriminator="typename__")


class LaunchStageLaunchStageSubmission(SubmissionPart):
    typename__: Literal["Submission"] = Field(alias="__typename")


class LaunchStageLaunchStageNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class LaunchStageLaunchStageNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class LaunchStageLaunchStageTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class LaunchStageLaunchStageIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class LaunchStageLaunchStageInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


class LaunchStageLaunchStageStageBusy(BaseModel):
    typename__: Literal["StageBusy"] = Field(alias="__typename")
    message: str


class LaunchStageLaunchStageLaunchesHeld(BaseModel):
    typename__: Literal["LaunchesHeld"] = Field(alias="__typename")
    message: str


class LaunchStageLaunchStageNothingToLaunch(BaseModel):
    typename__: Literal["NothingToLaunch"] = Field(alias="__typename")
    message: str


class LaunchStageLaunchStageDatasetWithoutFiles(BaseModel):
    typename__: Literal["DatasetWithoutFiles"] = Field(alias="__typename")
    message: str


class LaunchStageLaunchStageStageInactive(BaseModel):
    typename__: Literal["StageInactive"] = Field(alias="__typename")
    message: str


class LaunchStageLaunchStageNotLaunchable(BaseModel):
    typename__: Literal["NotLaunchable"] = Field(alias="__typename")
    message: str


class LaunchStageLaunchStagePlanChanged(BaseModel):
    typename__: Literal["PlanChanged"] = Field(alias="__typename")
    message: str


class LaunchStageLaunchStagePlanUnknown(BaseModel):
    typename__: Literal["PlanUnknown"] = Field(alias="__typename")
    message: str


LaunchStage.model_rebuild()
