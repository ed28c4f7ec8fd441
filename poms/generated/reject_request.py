from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import (  # noqa: F401
    RequestDetailPart,
    RequestDetailPartAsks,
    RequestDetailPartCampaign,
    RequestDetailPartDecisions,
    RequestDetailPartOwner,
    RequestDetailPartWaitingOn,
)


class RejectRequest(BaseModel):
    reject_request: Union[
        "RejectRequestRejectRequestRequest",
        "RejectRequestRejectRequestNotFound",
        "RejectRequestRejectRequestNotPermitted",
        "RejectRequestRejectRequestTryAgainLater",
        "RejectRequestRejectRequestIdempotencyKeyReused",
        "RejectRequestRejectRequestInvalid",
        "RejectRequestRejectRequestWrongRequestState",
        "RejectRequestRejectRequestNotAskedToDecide",
    ] = Field(alias="rejectRequest", discriminator="typename__")


class RejectRequestRejectRequestRequest(RequestDetailPart):
    typename__: Literal["Request"] = Field(alias="__typename")


class RejectRequestRejectRequestNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class RejectRequestRejectRequestNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class RejectRequestRejectRequestTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class RejectRequestRejectRequestIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class RejectRequestRejectRequestInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


class RejectRequestRejectRequestWrongRequestState(BaseModel):
    typename__: Literal["WrongRequestState"] = Field(alias="__typename")
    message: str


class RejectRequestRejectRequestNotAskedToDecide(BaseModel):
    typename__: Literal["NotAskedToDecide"] = Field(alias="__typename")
    message: str


RejectRequest.model_rebuild()
