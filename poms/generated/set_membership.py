from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel


class SetMembership(BaseModel):
    set_membership: Union[
        "SetMembershipSetMembershipMembershipSet",
        "SetMembershipSetMembershipNotFound",
        "SetMembershipSetMembershipNotPermitted",
    ] = Field(alias="setMembership", discriminator="typename__")


class SetMembershipSetMembershipMembershipSet(BaseModel):
    typename__: Literal["MembershipSet"] = Field(alias="__typename")


class SetMembershipSetMembershipNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class SetMembershipSetMembershipNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


SetMembership.model_rebuild()
