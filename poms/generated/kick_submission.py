from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import (  # noqa: F401
    SubmissionPart,
    SubmissionPartAccount,
    SubmissionPartStage,
    SubmissionPartWaiting,
)


class KickSubmission(BaseModel):
    kick_submission: Union[
        "KickSubmissionKickSubmissionSubmission",
        "KickSubmissionKickSubmissionNotFound",
        "KickSubmissionKickSubmissionNotPermitted",
        "KickSubmissionKickSubmissionTryAgainLater",
        "KickSubmissionKickSubmissionIdempotencyKeyReused",
        "KickSubmissionKickSubmissionInvalid",
        "KickSubmissionKickSubmissionNotPossibleNow",
    ] = Field(alias="kickSubmission", discriminator="typename__")


class KickSubmissionKickSubmissionSubmission(SubmissionPart):
    typename__: Literal["Submission"] = Field(alias="__typename")


class KickSubmissionKickSubmissionNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class KickSubmissionKickSubmissionNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class KickSubmissionKickSubmissionTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class KickSubmissionKickSubmissionIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class KickSubmissionKickSubmissionInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


class KickSubmissionKickSubmissionNotPossibleNow(BaseModel):
    typename__: Literal["NotPossibleNow"] = Field(alias="__typename")
    message: str


KickSubmission.model_rebuild()
