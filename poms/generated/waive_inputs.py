from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import AccountPart


class WaiveInputs(BaseModel):
    waive_inputs: Union[
        "WaiveInputsWaiveInputsInputsWaived",
        "WaiveInputsWaiveInputsNotFound",
        "WaiveInputsWaiveInputsNotPermitted",
        "WaiveInputsWaiveInputsTryAgainLater",
        "WaiveInputsWaiveInputsIdempotencyKeyReused",
        "WaiveInputsWaiveInputsInvalid",
    ] = Field(alias="waiveInputs", discriminator="typename__")


class WaiveInputsWaiveInputsInputsWaived(BaseModel):
    typename__: Literal["InputsWaived"] = Field(alias="__typename")
    waived_count: int = Field(alias="waivedCount")
    account: "WaiveInputsWaiveInputsInputsWaivedAccount"


WaiveInputsWaiveInputsInputsWaivedAccount = AccountPart


class WaiveInputsWaiveInputsNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class WaiveInputsWaiveInputsNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class WaiveInputsWaiveInputsTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class WaiveInputsWaiveInputsIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class WaiveInputsWaiveInputsInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


WaiveInputs.model_rebuild()
WaiveInputsWaiveInputsInputsWaived.model_rebuild()
