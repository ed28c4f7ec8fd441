from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel


class CreateExperiment(BaseModel):
    create_experiment: Union[
        "CreateExperimentCreateExperimentExperiment",
        "CreateExperimentCreateExperimentNotPermitted",
        "CreateExperimentCreateExperimentInvalid",
        "CreateExperimentCreateExperimentNameTaken",
        "CreateExperimentCreateExperimentIdempotencyKeyReused",
    ] = Field(alias="createExperiment", discriminator="typename__")


class CreateExperimentCreateExperimentExperiment(BaseModel):
    typename__: Literal["Experiment"] = Field(alias="__typename")
    id: str


class CreateExperimentCreateExperimentNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class CreateExperimentCreateExperimentInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


class CreateExperimentCreateExperimentNameTaken(BaseModel):
    typename__: Literal["NameTaken"] = Field(alias="__typename")
    message: str


class CreateExperimentCreateExperimentIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


CreateExperiment.model_rebuild()
