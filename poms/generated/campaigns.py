from pydantic import Field

from .base_model import BaseModel
from .fragments import CampaignPart, PagePart


class Campaigns(BaseModel):
    campaigns: "CampaignsCampaigns"


class CampaignsCampaigns(BaseModel):
    nodes: list["CampaignsCampaignsNodes"]
    page_info: "CampaignsCampaignsPageInfo" = Field(alias="pageInfo")


CampaignsCampaignsNodes = CampaignPart
CampaignsCampaignsPageInfo = PagePart
Campaigns.model_rebuild()
CampaignsCampaigns.model_rebuild()
