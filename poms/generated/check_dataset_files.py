from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import (
    FileCheckPart,
    FileCheckPartExamples,  # noqa: F401
)


class CheckDatasetFiles(BaseModel):
    check_dataset_files: Union[
        "CheckDatasetFilesCheckDatasetFilesFileCheck",
        "CheckDatasetFilesCheckDatasetFilesNotFound",
        "CheckDatasetFilesCheckDatasetFilesNotPermitted",
        "CheckDatasetFilesCheckDatasetFilesTryAgainLater",
        "CheckDatasetFilesCheckDatasetFilesIdempotencyKeyReused",
        "CheckDatasetFilesCheckDatasetFilesInvalid",
    ] = Field(alias="checkDatasetFiles", discriminator="typename__")


class CheckDatasetFilesCheckDatasetFilesFileCheck(FileCheckPart):
    typename__: Literal["FileCheck"] = Field(alias="__typename")


class CheckDatasetFilesCheckDatasetFilesNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class CheckDatasetFilesCheckDatasetFilesNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class CheckDatasetFilesCheckDatasetFilesTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class CheckDatasetFilesCheckDatasetFilesIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class CheckDatasetFilesCheckDatasetFilesInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


CheckDatasetFiles.model_rebuild()
