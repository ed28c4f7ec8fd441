from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel


class CreateLoginSetup(BaseModel):
    create_login_setup: Union[
        "CreateLoginSetupCreateLoginSetupLoginSetup",
        "CreateLoginSetupCreateLoginSetupNotFound",
        "CreateLoginSetupCreateLoginSetupNotPermitted",
        "CreateLoginSetupCreateLoginSetupTryAgainLater",
        "CreateLoginSetupCreateLoginSetupIdempotencyKeyReused",
        "CreateLoginSetupCreateLoginSetupInvalidLoginSetup",
        "CreateLoginSetupCreateLoginSetupNameTaken",
    ] = Field(alias="createLoginSetup", discriminator="typename__")


class CreateLoginSetupCreateLoginSetupLoginSetup(BaseModel):
    typename__: Literal["LoginSetup"] = Field(alias="__typename")
    id: str


class CreateLoginSetupCreateLoginSetupNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class CreateLoginSetupCreateLoginSetupNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class CreateLoginSetupCreateLoginSetupTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class CreateLoginSetupCreateLoginSetupIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class CreateLoginSetupCreateLoginSetupInvalidLoginSetup(BaseModel):
    typename__: Literal["InvalidLoginSetup"] = Field(alias="__typename")
    message: str


class CreateLoginSetupCreateLoginSetupNameTaken(BaseModel):
    typename__: Literal["NameTaken"] = Field(alias="__typename")
    message: str


CreateLoginSetup.model_rebuild()
