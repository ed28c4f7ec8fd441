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


class CreateRequest(BaseModel):
    create_request: Union[
        "CreateRequestCreateRequestRequest",
        "CreateRequestCreateRequestNotFound",
        "CreateRequestCreateRequestNotPermitted",
        "CreateRequestCreateRequestTryAgainLater",
        "CreateRequestCreateRequestIdempotencyKeyReused",
        "CreateRequestCreateRequestInvalidRequest",
    ] = Field(alias="createRequest", discriminator="typename__")


class CreateRequestCreateRequestRequest(RequestDetailPart):
    typename__: Literal["Request"] = Field(alias="__typename")


class CreateRequestCreateRequestNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class CreateRequestCreateRequestNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class CreateRequestCreateRequestTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class CreateRequestCreateRequestIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class CreateRequestCreateRequestInvalidRequest(BaseModel):
    typename__: Literal["InvalidRequest"] = Field(alias="__typename")
    message: str
    findings: list["CreateRequestCreateRequestInvalidRequestFindings"]


class CreateRequestCreateRequestInvalidRequestFindings(BaseModel):
    path: str
    message: str


CreateRequest.model_rebuild()
CreateRequestCreateRequestInvalidRequest.model_rebuild()
