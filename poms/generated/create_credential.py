from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel


class CreateCredential(BaseModel):
    create_credential: Union[
        "CreateCredentialCreateCredentialCredential",
        "CreateCredentialCreateCredentialNotFound",
        "CreateCredentialCreateCredentialNotPermitted",
        "CreateCredentialCreateCredentialTryAgainLater",
        "CreateCredentialCreateCredentialIdempotencyKeyReused",
        "CreateCredentialCreateCredentialInvalid",
        "CreateCredentialCreateCredentialNameTaken",
    ] = Field(alias="createCredential", discriminator="typename__")


class CreateCredentialCreateCredentialCredential(BaseModel):
    typename__: Literal["Credential"] = Field(alias="__typename")
    id: str


class CreateCredentialCreateCredentialNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class CreateCredentialCreateCredentialNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class CreateCredentialCreateCredentialTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class CreateCredentialCreateCredentialIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class CreateCredentialCreateCredentialInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


class CreateCredentialCreateCredentialNameTaken(BaseModel):
    typename__: Literal["NameTaken"] = Field(alias="__typename")
    message: str


CreateCredential.model_rebuild()
