from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import (  # noqa: F401
    SubmissionPart,
    SubmissionPartAccount,
    SubmissionPartStage,
    SubmissionPartWaiting,
)


class CancelSubmission(BaseModel):
    cancel_submission: Union[
        "CancelSubmissionCancelSubmissionSubmission",
        "CancelSubmissionCancelSubmissionNotFound",
        "CancelSubmissionCancelSubmissionNotPermitted",
        "CancelSubmissionCancelSubmissionTryAgainLater",
        "CancelSubmissionCancelSubmissionIdempotencyKeyReused",
        "CancelSubmissionCancelSubmissionInvalid",
        "CancelSubmissionCancelSubmissionNotPossibleNow",
    ] = Field(alias="cancelSubmission", discriminator="typename__")


class CancelSubmissionCancelSubmissionSubmission(SubmissionPart):
    typename__: Literal["Submission"] = Field(alias="__typename")


class CancelSubmissionCancelSubmissionNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class CancelSubmissionCancelSubmissionNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class CancelSubmissionCancelSubmissionTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class CancelSubmissionCancelSubmissionIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class CancelSubmissionCancelSubmissionInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


class CancelSubmissionCancelSubmissionNotPossibleNow(BaseModel):
    typename__: Literal["NotPossibleNow"] = Field(alias="__typename")
    message: str


CancelSubmission.model_rebuild()
