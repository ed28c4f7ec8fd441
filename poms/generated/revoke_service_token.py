from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import ServiceTokenPart


class RevokeServiceToken(BaseModel):
    revoke_service_token: Union[
        "RevokeServiceTokenRevokeServiceTokenServiceTokenRevoked",
        "RevokeServiceTokenRevokeServiceTokenNotFound",
        "RevokeServiceTokenRevokeServiceTokenNotPermitted",
        "RevokeServiceTokenRevokeServiceTokenTryAgainLater",
        "RevokeServiceTokenRevokeServiceTokenIdempotencyKeyReused",
        "RevokeServiceTokenRevokeServiceTokenInvalid",
    ] = Field(alias="revokeServiceToken", discriminator="typename__")


class RevokeServiceTokenRevokeServiceTokenServiceTokenRevoked(BaseModel):
    typename__: Literal["ServiceTokenRevoked"] = Field(alias="__typename")
    changed: bool
    service_token: "RevokeServiceTokenRevokeServiceTokenServiceTokenRevokedServiceToken" = Field(
        alias="serviceToken"
    )


RevokeServiceTokenRevokeServiceTokenServiceTokenRevokedServiceToken = ServiceTokenPart


class RevokeServiceTokenRevokeServiceTokenNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class RevokeServiceTokenRevokeServiceTokenNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class RevokeServiceTokenRevokeServiceTokenTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class RevokeServiceTokenRevokeServiceTokenIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class RevokeServiceTokenRevokeServiceTokenInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


RevokeServiceToken.model_rebuild()
RevokeServiceTokenRevokeServiceTokenServiceTokenRevoked.model_rebuild()
