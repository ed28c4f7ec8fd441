from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import (
    HoldPart,
    HoldPartHeldBy,  # noqa: F401
)


class HoldLaunches(BaseModel):
    hold_launches: Union[
        "HoldLaunchesHoldLaunchesLaunchHold",
        "HoldLaunchesHoldLaunchesNotFound",
        "HoldLaunchesHoldLaunchesNotPermitted",
        "HoldLaunchesHoldLaunchesTryAgainLater",
        "HoldLaunchesHoldLaunchesIdempotencyKeyReused",
        "HoldLaunchesHoldLaunchesInvalid",
        "HoldLaunchesHoldLaunchesAlreadyHeld",
    ] = Field(alias="holdLaunches", discriminator="typename__")


class HoldLaunchesHoldLaunchesLaunchHold(HoldPart):
    typename__: Literal["LaunchHold"] = Field(alias="__typename")


class HoldLaunchesHoldLaunchesNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class HoldLaunchesHoldLaunchesNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class HoldLaunchesHoldLaunchesTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class HoldLaunchesHoldLaunchesIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class HoldLaunchesHoldLaunchesInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


class HoldLaunchesHoldLaunchesAlreadyHeld(BaseModel):
    typename__: Literal["AlreadyHeld"] = Field(alias="__typename")
    message: str


HoldLaunches.model_rebuild()
