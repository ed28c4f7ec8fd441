from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel


class CreateDataset(BaseModel):
    create_dataset: Union[
        "CreateDatasetCreateDatasetDataset",
        "CreateDatasetCreateDatasetNotFound",
        "CreateDatasetCreateDatasetNotPermitted",
        "CreateDatasetCreateDatasetTryAgainLater",
        "CreateDatasetCreateDatasetIdempotencyKeyReused",
        "CreateDatasetCreateDatasetInvalid",
        "CreateDatasetCreateDatasetNameTaken",
    ] = Field(alias="createDataset", discriminator="typename__")


class CreateDatasetCreateDatasetDataset(BaseModel):
    typename__: Literal["Dataset"] = Field(alias="__typename")
    id: str
    name: str


class CreateDatasetCreateDatasetNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class CreateDatasetCreateDatasetNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class CreateDatasetCreateDatasetTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class CreateDatasetCreateDatasetIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class CreateDatasetCreateDatasetInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


class CreateDatasetCreateDatasetNameTaken(BaseModel):
    typename__: Literal["NameTaken"] = Field(alias="__typename")
    message: str


CreateDataset.model_rebuild()
