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


class ApproveRequest(BaseModel):
    approve_request: Union[
        "ApproveRequestApproveRequestRequest",
        "ApproveRequestApproveRequestNotFound",
        "ApproveRequestApproveRequestNotPermitted",
        "ApproveRequestApproveRequestTryAgainLater",
        "ApproveRequestApproveRequestIdempotencyKeyReused",
        "ApproveRequestApproveRequestInvalid",
        "ApproveRequestApproveRequestWrongRequestState",
        "ApproveRequestApproveRequestRequestChanged",
        "ApproveRequestApproveRequestNotAskedToDecide",
    ] = Field(alias="approveRequest", discriminator="typename__")


class ApproveRequestApproveRequestRequest(RequestDetailPart):
    typename__: Literal["Request"] = Field(alias="__typename")


class ApproveRequestApproveRequestNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class ApproveRequestApproveRequestNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class ApproveRequestApproveRequestTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class ApproveRequestApproveRequestIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class ApproveRequestApproveRequestInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


class ApproveRequestApproveRequestWrongRequestState(BaseModel):
    typename__: Literal["WrongRequestState"] = Field(alias="__typename")
    message: str


class ApproveRequestApproveRequestRequestChanged(BaseModel):
    typename__: Literal["RequestChanged"] = Field(alias="__typename")
    message: str


class ApproveRequestApproveRequestNotAskedToDecide(BaseModel):
    typename__: Literal["NotAskedToDecide"] = Field(alias="__typename")
    message: str


ApproveRequest.model_rebuild()
