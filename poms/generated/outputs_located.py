from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import PagePart


class OutputsLocated(BaseModel):
    submission: Optional["OutputsLocatedSubmission"]


class OutputsLocatedSubmission(BaseModel):
    outputs: "OutputsLocatedSubmissionOutputs"


class OutputsLocatedSubmissionOutputs(BaseModel):
    nodes: list["OutputsLocatedSubmissionOutputsNodes"]
    page_info: "OutputsLocatedSubmissionOutputsPageInfo" = Field(alias="pageInfo")


class OutputsLocatedSubmissionOutputsNodes(BaseModel):
    name: str
    events: Optional[int]


OutputsLocatedSubmissionOutputsPageInfo = PagePart
OutputsLocated.model_rebuild()
OutputsLocatedSubmission.model_rebuild()
OutputsLocatedSubmissionOutputs.model_rebuild()
