from pydantic import Field

from .base_model import BaseModel
from .fragments import PagePart, SubmissionPart


class Submissions(BaseModel):
    submissions: "SubmissionsSubmissions"


class SubmissionsSubmissions(BaseModel):
    nodes: list["SubmissionsSubmissionsNodes"]
    page_info: "SubmissionsSubmissionsPageInfo" = Field(alias="pageInfo")


SubmissionsSubmissionsNodes = SubmissionPart
SubmissionsSubmissionsPageInfo = PagePart
Submissions.model_rebuild()
SubmissionsSubmissions.model_rebuild()
