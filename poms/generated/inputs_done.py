from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import PagePart


class InputsDone(BaseModel):
    submission: Optional["InputsDoneSubmission"]


class InputsDoneSubmission(BaseModel):
    inputs: "InputsDoneSubmissionInputs"


class InputsDoneSubmissionInputs(BaseModel):
    nodes: list["InputsDoneSubmissionInputsNodes"]
    page_info: "InputsDoneSubmissionInputsPageInfo" = Field(alias="pageInfo")


class InputsDoneSubmissionInputsNodes(BaseModel):
    file: Optional["InputsDoneSubmissionInputsNodesFile"]


class InputsDoneSubmissionInputsNodesFile(BaseModel):
    name: str


InputsDoneSubmissionInputsPageInfo = PagePart
InputsDone.model_rebuild()
InputsDoneSubmission.model_rebuild()
InputsDoneSubmissionInputs.model_rebuild()
InputsDoneSubmissionInputsNodes.model_rebuild()
