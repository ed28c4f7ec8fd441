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


class ReturnRequest(BaseModel):
    return_request: Union[
        "ReturnRequestReturnRequestRequest",
        "ReturnRequestReturnRequestNotFound",
        "ReturnRequestReturnRequestNotPermitted",
        "ReturnRequestReturnRequestTryAgainLater",
        "ReturnRequestReturnRequestIdempotencyKeyReused",
        "ReturnRequestReturnRequestInvalid",
        "ReturnRequestReturnRequestWrongRequestState",
        "ReturnRequestReturnRequestNotAskedToDecide",
    ] = Field(alias="returnRequest", discriminator="typename__")


class ReturnRequestReturnRequestRequest(RequestDetailPart):
    typename__: Literal["Request"] = Field(alias="__typename")


class ReturnRequestReturnRequestNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class ReturnRequestReturnRequestNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class ReturnRequestReturnRequestTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class ReturnRequestReturnRequestIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class ReturnRequestReturnRequestInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


class ReturnRequestReturnRequestWrongRequestState(BaseModel):
    typename__: Literal["WrongRequestState"] = Field(alias="__typename")
    message: str


class ReturnRequestReturnRequestNotAskedToDecide(BaseModel):
    typename__: Literal["NotAskedToDecide"] = Field(alias="__typename")
    message: str


ReturnRequest.model_rebuild()
