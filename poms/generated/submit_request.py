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


class SubmitRequest(BaseModel):
    submit_request: Union[
        "SubmitRequestSubmitRequestRequest",
        "SubmitRequestSubmitRequestNotFound",
        "SubmitRequestSubmitRequestNotPermitted",
        "SubmitRequestSubmitRequestTryAgainLater",
        "SubmitRequestSubmitRequestIdempotencyKeyReused",
        "SubmitRequestSubmitRequestInvalidRequest",
        "SubmitRequestSubmitRequestWrongRequestState",
    ] = Field(alias="submitRequest", discriminator="typename__")


class SubmitRequestSubmitRequestRequest(RequestDetailPart):
    typename__: Literal["Request"] = Field(alias="__typename")


class SubmitRequestSubmitRequestNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class SubmitRequestSubmitRequestNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class SubmitRequestSubmitRequestTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class SubmitRequestSubmitRequestIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class SubmitRequestSubmitRequestInvalidRequest(BaseModel):
    typename__: Literal["InvalidRequest"] = Field(alias="__typename")
    message: str
    findings: list["SubmitRequestSubmitRequestInvalidRequestFindings"]


class SubmitRequestSubmitRequestInvalidRequestFindings(BaseModel):
    path: str
    message: str


class SubmitRequestSubmitRequestWrongRequestState(BaseModel):
    typename__: Literal["WrongRequestState"] = Field(alias="__typename")
    message: str


SubmitRequest.model_rebuild()
SubmitRequestSubmitRequestInvalidRequest.model_rebuild()
