from typing import Optional

from .base_model import BaseModel
from .fragments import FindingPart


class CampaignFile(BaseModel):
    campaign: Optional["CampaignFileCampaign"]


class CampaignFileCampaign(BaseModel):
    file: str
    findings: list["CampaignFileCampaignFindings"]


CampaignFileCampaignFindings = FindingPart
CampaignFile.model_rebuild()
CampaignFileCampaign.model_rebuild()
