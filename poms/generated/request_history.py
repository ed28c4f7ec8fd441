from datetime import datetime
from typing import Optional

from pydantic import Field

from .base_model import BaseModel


class RequestHistory(BaseModel):
    request_revisions: list["RequestHistoryRequestRevisions"] = Field(
        alias="requestRevisions"
    )


class RequestHistoryRequestRevisions(BaseModel):
    number: int
    at: datetime
    comment: str
    campaign_revision: Optional[int] = Field(alias="campaignRevision")
    plan_hash: str = Field(alias="planHash")
    author: Optional["RequestHistoryRequestRevisionsAuthor"]


class RequestHistoryRequestRevisionsAuthor(BaseModel):
    username: str


RequestHistory.model_rebuild()
RequestHistoryRequestRevisions.model_rebuild()
