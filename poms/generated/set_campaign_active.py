from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import (  # noqa: F401
    CampaignPart,
    CampaignPartExperiment,
    CampaignPartOwner,
    CampaignPartStages,
    FindingPart,
)


class SetCampaignActive(BaseModel):
    set_campaign_active: Union[
        "SetCampaignActiveSetCampaignActiveCampaign",
        "SetCampaignActiveSetCampaignActiveNotFound",
        "SetCampaignActiveSetCampaignActiveNotPermitted",
        "SetCampaignActiveSetCampaignActiveTryAgainLater",
        "SetCampaignActiveSetCampaignActiveIdempotencyKeyReused",
        "SetCampaignActiveSetCampaignActiveInvalidCampaignFile",
    ] = Field(alias="setCampaignActive", discriminator="typename__")


class SetCampaignActiveSetCampaignActiveCampaign(CampaignPart):
    typename__: Literal["Campaign"] = Field(alias="__typename")


class SetCampaignActiveSetCampaignActiveNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class SetCampaignActiveSetCampaignActiveNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class SetCampaignActiveSetCampaignActiveTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class SetCampaignActiveSetCampaignActiveIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class SetCampaignActiveSetCampaignActiveInvalidCampaignFile(BaseModel):
    typename__: Literal["InvalidCampaignFile"] = Field(alias="__typename")
    message: str
    findings: list["SetCampaignActiveSetCampaignActiveInvalidCampaignFileFindings"]


SetCampaignActiveSetCampaignActiveInvalidCampaignFileFindings = FindingPart
SetCampaignActive.model_rebuild()
SetCampaignActiveSetCampaignActiveInvalidCampaignFile.model_rebuild()
