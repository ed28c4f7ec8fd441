from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import (
    HoldPart,
    HoldPartHeldBy,  # noqa: F401
)


class ReleaseLaunches(BaseModel):
    release_launches: Union[
        "ReleaseLaunchesReleaseLaunchesLaunchHold",
        "ReleaseLaunchesReleaseLaunchesNotFound",
        "ReleaseLaunchesReleaseLaunchesNotPermitted",
        "ReleaseLaunchesReleaseLaunchesTryAgainLater",
        "ReleaseLaunchesReleaseLaunchesIdempotencyKeyReused",
        "ReleaseLaunchesReleaseLaunchesNotHeld",
    ] = Field(alias="releaseLaunches", discriminator="typename__")


class ReleaseLaunchesReleaseLaunchesLaunchHold(HoldPart):
    typename__: Literal["LaunchHold"] = Field(alias="__typename")


class ReleaseLaunchesReleaseLaunchesNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class ReleaseLaunchesReleaseLaunchesNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class ReleaseLaunchesReleaseLaunchesTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class ReleaseLaunchesReleaseLaunchesIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class ReleaseLaunchesReleaseLaunchesNotHeld(BaseModel):
    typename__: Literal["NotHeld"] = Field(alias="__typename")
    message: str


ReleaseLaunches.model_rebuild()
