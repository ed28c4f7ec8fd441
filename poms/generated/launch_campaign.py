from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import (
    LaunchPart,
    LaunchPartLaunches,  # noqa: F401
)


class LaunchCampaign(BaseModel):
    launch_campaign: Union[
        "LaunchCampaignLaunchCampaignCampaignLaunched",
        "LaunchCampaignLaunchCampaignNotFound",
        "LaunchCampaignLaunchCampaignNotPermitted",
        "LaunchCampaignLaunchCampaignTryAgainLater",
        "LaunchCampaignLaunchCampaignIdempotencyKeyReused",
        "LaunchCampaignLaunchCampaignInvalid",
        "LaunchCampaignLaunchCampaignStageBusy",
        "LaunchCampaignLaunchCampaignLaunchesHeld",
        "LaunchCampaignLaunchCampaignNothingToLaunch",
        "LaunchCampaignLaunchCampaignDatasetWithoutFiles",
        "LaunchCampaignLaunchCampaignStageInactive",
        "LaunchCampaignLaunchCampaignNotLaunchable",
    ] = Field(alias="launchCampaign", discriminator="typename__")


class LaunchCampaignLaunchCampaignCampaignLaunched(LaunchPart):
    typename__: Literal["CampaignLaunched"] = Field(alias="__typename")


class LaunchCampaignLaunchCampaignNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class LaunchCampaignLaunchCampaignNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class LaunchCampaignLaunchCampaignTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class LaunchCampaignLaunchCampaignIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class LaunchCampaignLaunchCampaignInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


class LaunchCampaignLaunchCampaignStageBusy(BaseModel):
    typename__: Literal["StageBusy"] = Field(alias="__typename")
    message: str


class LaunchCampaignLaunchCampaignLaunchesHeld(BaseModel):
    typename__: Literal["LaunchesHeld"] = Field(alias="__typename")
    message: str


class LaunchCampaignLaunchCampaignNothingToLaunch(BaseModel):
    typename__: Literal["NothingToLaunch"] = Field(alias="__typename")
    message: str


class LaunchCampaignLaunchCampaignDatasetWithoutFiles(BaseModel):
    typename__: Literal["DatasetWithoutFiles"] = Field(alias="__typename")
    message: str


class LaunchCampaignLaunchCampaignStageInactive(BaseModel):
    typename__: Literal["StageInactive"] = Field(alias="__typename")
    message: str


class LaunchCampaignLaunchCampaignNotLaunchable(BaseModel):
    typename__: Literal["NotLaunchable"] = Field(alias="__typename")
    message: str


LaunchCampaign.model_rebuild()
