from typing import Optional

from .base_model import BaseModel
from .fragments import (  # noqa: F401
    SubmissionPart,
    SubmissionPartAccount,
    SubmissionPartStage,
    SubmissionPartWaiting,
)


class Submission(BaseModel):
    submission: Optional["SubmissionSubmission"]


class SubmissionSubmission(SubmissionPart):
    recoveries: list["SubmissionSubmissionRecoveries"]


SubmissionSubmissionRecoveries = SubmissionPart
Submission.model_rebuild()
SubmissionSubmission.model_rebuild()
