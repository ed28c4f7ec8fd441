from typing import Optional

from pydantic import Field

from .base_model import BaseModel


class Triage(BaseModel):
    submission_triage: Optional["TriageSubmissionTriage"] = Field(
        alias="submissionTriage"
    )


class TriageSubmissionTriage(BaseModel):
    jobs: int
    groups: list["TriageSubmissionTriageGroups"]


class TriageSubmissionTriageGroups(BaseModel):
    count: int
    reason: Optional[str]
    exit_code: Optional[int] = Field(alias="exitCode")
    signal: Optional[int]
    site: Optional[str]
    batch_system_message: str = Field(alias="batchSystemMessage")
    log: str


Triage.model_rebuild()
TriageSubmissionTriage.model_rebuild()
