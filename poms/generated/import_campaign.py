from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import CampaignPart, FindingPart, ImportPart


class ImportCampaign(BaseModel):
    import_campaign: Union[
        "ImportCampaignImportCampaignCampaignImported",
        "ImportCampaignImportCampaignCampaignImportPlanned",
        "ImportCampaignImportCampaignInvalidCampaignFile",
        "ImportCampaignImportCampaignNotFound",
        "ImportCampaignImportCampaignNotPermitted",
        "ImportCampaignImportCampaignTryAgainLater",
        "ImportCampaignImportCampaignIdempotencyKeyReused",
        "ImportCampaignImportCampaignStaleRevision",
        "ImportCampaignImportCampaignInvalid",
    ] = Field(alias="importCampaign", discriminator="typename__")


class ImportCampaignImportCampaignCampaignImported(BaseModel):
    typename__: Literal["CampaignImported"] = Field(alias="__typename")
    campaign: "ImportCampaignImportCampaignCampaignImportedCampaign"
    effect: "ImportCampaignImportCampaignCampaignImportedEffect"


ImportCampaignImportCampaignCampaignImportedCampaign = CampaignPart
ImportCampaignImportCampaignCampaignImportedEffect = ImportPart


class ImportCampaignImportCampaignCampaignImportPlanned(BaseModel):
    typename__: Literal["CampaignImportPlanned"] = Field(alias="__typename")
    planned: "ImportCampaignImportCampaignCampaignImportPlannedPlanned"


ImportCampaignImportCampaignCampaignImportPlannedPlanned = ImportPart


class ImportCampaignImportCampaignInvalidCampaignFile(BaseModel):
    typename__: Literal["InvalidCampaignFile"] = Field(alias="__typename")
    message: str
    findings: list["ImportCampaignImportCampaignInvalidCampaignFileFindings"]


ImportCampaignImportCampaignInvalidCampaignFileFindings = FindingPart


class ImportCampaignImportCampaignNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class ImportCampaignImportCampaignNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class ImportCampaignImportCampaignTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class ImportCampaignImportCampaignIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class ImportCampaignImportCampaignStaleRevision(BaseModel):
    typename__: Literal["StaleRevision"] = Field(alias="__typename")
    message: str


class ImportCampaignImportCampaignInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


ImportCampaign.model_rebuild()
ImportCampaignImportCampaignCampaignImported.model_rebuild()
ImportCampaignImportCampaignCampaignImportPlanned.model_rebuild()
ImportCampaignImportCampaignInvalidCampaignFile.model_rebuild()
