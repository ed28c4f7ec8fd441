from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel


class CreateExperiment(BaseModel):
    create_experiment: Union[
        "CreateExperimentCreateExperimentExperiment",
        "CreateExperimentCreateExperimentNotFound",
        "CreateExperimentCreateExperimentNotPermitted",
        "CreateExperimentCreateExperimentTryAgainLater",
        "CreateExperimentCreateExperimentIdempotencyKeyReused",
        "CreateExperimentCreateExperimentInvalid",
        "CreateExperimentCreateExperimentNameTaken",
    ] = Field(alias="createExperiment", discriminator="typename__")


class CreateExperimentCreateExperimentExperiment(BaseModel):
    typename__: Literal["Experiment"] = Field(alias="__typename")
    id: str


class CreateExperimentCreateExperimentNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class CreateExperimentCreateExperimentNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class CreateExperimentCreateExperimentTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class CreateExperimentCreateExperimentIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class CreateExperimentCreateExperimentInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


class CreateExperimentCreateExperimentNameTaken(BaseModel):
    typename__: Literal["NameTaken"] = Field(alias="__typename")
    message: str


CreateExperiment.model_rebuild()
