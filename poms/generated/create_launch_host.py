from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel


class CreateLaunchHost(BaseModel):
    create_launch_host: Union[
        "CreateLaunchHostCreateLaunchHostLaunchHost",
        "CreateLaunchHostCreateLaunchHostNotFound",
        "CreateLaunchHostCreateLaunchHostNotPermitted",
        "CreateLaunchHostCreateLaunchHostTryAgainLater",
        "CreateLaunchHostCreateLaunchHostIdempotencyKeyReused",
        "CreateLaunchHostCreateLaunchHostInvalid",
        "CreateLaunchHostCreateLaunchHostNameTaken",
    ] = Field(alias="createLaunchHost", discriminator="typename__")


class CreateLaunchHostCreateLaunchHostLaunchHost(BaseModel):
    typename__: Literal["LaunchHost"] = Field(alias="__typename")
    id: str


class CreateLaunchHostCreateLaunchHostNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class CreateLaunchHostCreateLaunchHostNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class CreateLaunchHostCreateLaunchHostTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class CreateLaunchHostCreateLaunchHostIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class CreateLaunchHostCreateLaunchHostInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


class CreateLaunchHostCreateLaunchHostNameTaken(BaseModel):
    typename__: Literal["NameTaken"] = Field(alias="__typename")
    message: str


CreateLaunchHost.model_rebuild()
