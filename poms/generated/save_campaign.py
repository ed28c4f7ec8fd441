from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import CampaignPart


class SaveCampaign(BaseModel):
    save_campaign: Union[
        "SaveCampaignSaveCampaignCampaignSaved",
        "SaveCampaignSaveCampaignCampaignPlanned",
        "SaveCampaignSaveCampaignNotFound",
        "SaveCampaignSaveCampaignNotPermitted",
        "SaveCampaignSaveCampaignTryAgainLater",
        "SaveCampaignSaveCampaignIdempotencyKeyReused",
        "SaveCampaignSaveCampaignInvalidCampaign",
        "SaveCampaignSaveCampaignStaleRevision",
        "SaveCampaignSaveCampaignTooMany",
        "SaveCampaignSaveCampaignInvalid",
    ] = Field(alias="saveCampaign", discriminator="typename__")


class SaveCampaignSaveCampaignCampaignSaved(BaseModel):
    typename__: Literal["CampaignSaved"] = Field(alias="__typename")
    campaign: "SaveCampaignSaveCampaignCampaignSavedCampaign"


SaveCampaignSaveCampaignCampaignSavedCampaign = CampaignPart


class SaveCampaignSaveCampaignCampaignPlanned(BaseModel):
    typename__: Literal["CampaignPlanned"] = Field(alias="__typename")


class SaveCampaignSaveCampaignNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class SaveCampaignSaveCampaignNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class SaveCampaignSaveCampaignTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class SaveCampaignSaveCampaignIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class SaveCampaignSaveCampaignInvalidCampaign(BaseModel):
    typename__: Literal["InvalidCampaign"] = Field(alias="__typename")
    message: str
    findings: list["SaveCampaignSaveCampaignInvalidCampaignFindings"]


class SaveCampaignSaveCampaignInvalidCampaignFindings(BaseModel):
    path: str
    message: str


class SaveCampaignSaveCampaignStaleRevision(BaseModel):
    typename__: Literal["StaleRevision"] = Field(alias="__typename")
    message: str


class SaveCampaignSaveCampaignTooMany(BaseModel):
    typename__: Literal["TooMany"] = Field(alias="__typename")
    message: str


class SaveCampaignSaveCampaignInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


SaveCampaign.model_rebuild()
SaveCampaignSaveCampaignCampaignSaved.model_rebuild()
SaveCampaignSaveCampaignInvalidCampaign.model_rebuild()
