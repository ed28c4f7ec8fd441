from typing import Optional

from .base_model import BaseModel
from .fragments import CampaignPart


class Campaign(BaseModel):
    campaign: Optional["CampaignCampaign"]


CampaignCampaign = CampaignPart
Campaign.model_rebuild()
