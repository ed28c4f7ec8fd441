from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import (  # noqa: F401
    ProgressPart,
    ProgressPartAccount,
    ProgressPartStages,
)


class WatchProgress(BaseModel):
    campaign_progress: Union[
        "WatchProgressCampaignProgressCampaignProgress",
        "WatchProgressCampaignProgressNotFound",
    ] = Field(alias="campaignProgress", discriminator="typename__")


class WatchProgressCampaignProgressCampaignProgress(ProgressPart):
    typename__: Literal["CampaignProgress"] = Field(alias="__typename")


class WatchProgressCampaignProgressNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


WatchProgress.model_rebuild()
