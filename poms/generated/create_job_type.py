from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel


class CreateJobType(BaseModel):
    create_job_type: Union[
        "CreateJobTypeCreateJobTypeJobType",
        "CreateJobTypeCreateJobTypeNotFound",
        "CreateJobTypeCreateJobTypeNotPermitted",
        "CreateJobTypeCreateJobTypeTryAgainLater",
        "CreateJobTypeCreateJobTypeIdempotencyKeyReused",
        "CreateJobTypeCreateJobTypeInvalidJobType",
        "CreateJobTypeCreateJobTypeNameTaken",
    ] = Field(alias="createJobType", discriminator="typename__")


class CreateJobTypeCreateJobTypeJobType(BaseModel):
    typename__: Literal["JobType"] = Field(alias="__typename")
    id: str


class CreateJobTypeCreateJobTypeNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class CreateJobTypeCreateJobTypeNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class CreateJobTypeCreateJobTypeTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class CreateJobTypeCreateJobTypeIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class CreateJobTypeCreateJobTypeInvalidJobType(BaseModel):
    typename__: Literal["InvalidJobType"] = Field(alias="__typename")
    message: str


class CreateJobTypeCreateJobTypeNameTaken(BaseModel):
    typename__: Literal["NameTaken"] = Field(alias="__typename")
    message: str


CreateJobType.model_rebuild()
