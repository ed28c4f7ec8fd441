from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import (  # noqa: F401
    SubmissionPart,
    SubmissionPartAccount,
    SubmissionPartStage,
    SubmissionPartWaiting,
)


class LaunchRecovery(BaseModel):
    launch_recovery: Union[
        "LaunchRecoveryLaunchRecoverySubmission",
        "LaunchRecoveryLaunchRecoveryNotFound",
        "LaunchRecoveryLaunchRecoveryNotPermitted",
        "LaunchRecoveryLaunchRecoveryTryAgainLater",
        "LaunchRecoveryLaunchRecoveryIdempotencyKeyReused",
        "LaunchRecoveryLaunchRecoveryNotPossibleNow",
        "LaunchRecoveryLaunchRecoveryNotLaunchable",
        "LaunchRecoveryLaunchRecoveryStageBusy",
        "LaunchRecoveryLaunchRecoveryNothingToLaunch",
        "LaunchRecoveryLaunchRecoveryPlanUnknown",
        "LaunchRecoveryLaunchRecoveryPlanChanged",
    ] = Field(alias="launchRecovery", discriminator="typename__")


class LaunchRecoveryLaunchRecoverySubmission(SubmissionPart):
    typename__: Literal["Submission"] = Field(alias="__typename")


class LaunchRecoveryLaunchRecoveryNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class LaunchRecoveryLaunchRecoveryNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class LaunchRecoveryLaunchRecoveryTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class LaunchRecoveryLaunchRecoveryIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class LaunchRecoveryLaunchRecoveryNotPossibleNow(BaseModel):
    typename__: Literal["NotPossibleNow"] = Field(alias="__typename")
    message: str


class LaunchRecoveryLaunchRecoveryNotLaunchable(BaseModel):
    typename__: Literal["NotLaunchable"] = Field(alias="__typename")
    message: str


class LaunchRecoveryLaunchRecoveryStageBusy(BaseModel):
    typename__: Literal["StageBusy"] = Field(alias="__typename")
    message: str


class LaunchRecoveryLaunchRecoveryNothingToLaunch(BaseModel):
    typename__: Literal["NothingToLaunch"] = Field(alias="__typename")
    message: str


class LaunchRecoveryLaunchRecoveryPlanUnknown(BaseModel):
    typename__: Literal["PlanUnknown"] = Field(alias="__typename")
    message: str


class LaunchRecoveryLaunchRecoveryPlanChanged(BaseModel):
    typename__: Literal["PlanChanged"] = Field(alias="__typename")
    message: str


LaunchRecovery.model_rebuild()
