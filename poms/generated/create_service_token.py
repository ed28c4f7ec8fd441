from typing import Literal, Optional, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import ServiceTokenPart


class CreateServiceToken(BaseModel):
    create_service_token: Union[
        "CreateServiceTokenCreateServiceTokenServiceTokenCreated",
        "CreateServiceTokenCreateServiceTokenNotFound",
        "CreateServiceTokenCreateServiceTokenNotPermitted",
        "CreateServiceTokenCreateServiceTokenTryAgainLater",
        "CreateServiceTokenCreateServiceTokenIdempotencyKeyReused",
        "CreateServiceTokenCreateServiceTokenInvalid",
    ] = Field(alias="createServiceToken", discriminator="typename__")


class CreateServiceTokenCreateServiceTokenServiceTokenCreated(BaseModel):
    typename__: Literal["ServiceTokenCreated"] = Field(alias="__typename")
    token: Optional[str]
    service_token: "CreateServiceTokenCreateServiceTokenServiceTokenCreatedServiceToken" = Field(
        alias="serviceToken"
    )


CreateServiceTokenCreateServiceTokenServiceTokenCreatedServiceToken = ServiceTokenPart


class CreateServiceTokenCreateServiceTokenNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class CreateServiceTokenCreateServiceTokenNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class CreateServiceTokenCreateServiceTokenTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class CreateServiceTokenCreateServiceTokenIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class CreateServiceTokenCreateServiceTokenInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


CreateServiceToken.model_rebuild()
CreateServiceTokenCreateServiceTokenServiceTokenCreated.model_rebuild()
