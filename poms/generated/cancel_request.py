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


class CancelRequest(BaseModel):
    cancel_request: Union[
        "CancelRequestCancelRequestRequest",
        "CancelRequestCancelRequestNotFound",
        "CancelRequestCancelRequestNotPermitted",
        "CancelRequestCancelRequestTryAgainLater",
        "CancelRequestCancelRequestIdempotencyKeyReused",
        "CancelRequestCancelRequestWrongRequestState",
    ] = Field(alias="cancelRequest", discriminator="typename__")


class CancelRequestCancelRequestRequest(RequestDetailPart):
    typename__: Literal["Request"] = Field(alias="__typename")


class CancelRequestCancelRequestNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class CancelRequestCancelRequestNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class CancelRequestCancelRequestTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class CancelRequestCancelRequestIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class CancelRequestCancelRequestWrongRequestState(BaseModel):
    typename__: Literal["WrongRequestState"] = Field(alias="__typename")
    message: str


CancelRequest.model_rebuild()
