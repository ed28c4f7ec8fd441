from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import ProgressPart


class Progress(BaseModel):
    campaign_progress: Optional["ProgressCampaignProgress"] = Field(
        alias="campaignProgress"
    )


ProgressCampaignProgress = ProgressPart
Progress.model_rebuild()
