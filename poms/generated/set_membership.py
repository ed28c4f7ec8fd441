from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel


class SetMembership(BaseModel):
    set_membership: Union[
        "SetMembershipSetMembershipMembershipSet",
        "SetMembershipSetMembershipNotFound",
        "SetMembershipSetMembershipNotPermitted",
        "SetMembershipSetMembershipTryAgainLater",
        "SetMembershipSetMembershipIdempotencyKeyReused",
        "SetMembershipSetMembershipInvalid",
    ] = Field(alias="setMembership", discriminator="typename__")


class SetMembershipSetMembershipMembershipSet(BaseModel):
    typename__: Literal["MembershipSet"] = Field(alias="__typename")


class SetMembershipSetMembershipNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class SetMembershipSetMembershipNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class SetMembershipSetMembershipTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class SetMembershipSetMembershipIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class SetMembershipSetMembershipInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


SetMembership.model_rebuild()
