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


class WithdrawDecision(BaseModel):
    withdraw_decision: Union[
        "WithdrawDecisionWithdrawDecisionRequest",
        "WithdrawDecisionWithdrawDecisionNotFound",
        "WithdrawDecisionWithdrawDecisionNotPermitted",
        "WithdrawDecisionWithdrawDecisionTryAgainLater",
        "WithdrawDecisionWithdrawDecisionIdempotencyKeyReused",
        "WithdrawDecisionWithdrawDecisionInvalid",
        "WithdrawDecisionWithdrawDecisionWrongRequestState",
    ] = Field(alias="withdrawDecision", discriminator="typename__")


class WithdrawDecisionWithdrawDecisionRequest(RequestDetailPart):
    typename__: Literal["Request"] = Field(alias="__typename")


class WithdrawDecisionWithdrawDecisionNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class WithdrawDecisionWithdrawDecisionNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class WithdrawDecisionWithdrawDecisionTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class WithdrawDecisionWithdrawDecisionIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class WithdrawDecisionWithdrawDecisionInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


class WithdrawDecisionWithdrawDecisionWrongRequestState(BaseModel):
    typename__: Literal["WrongRequestState"] = Field(alias="__typename")
    message: str


WithdrawDecision.model_rebuild()
