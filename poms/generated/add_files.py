from typing import Any, Literal, Union

from pydantic import Field

from .base_model import BaseModel


class AddFiles(BaseModel):
    add_files: Union[
        "AddFilesAddFilesFilesAdded",
        "AddFilesAddFilesNotFound",
        "AddFilesAddFilesNotPermitted",
        "AddFilesAddFilesTryAgainLater",
        "AddFilesAddFilesIdempotencyKeyReused",
        "AddFilesAddFilesInvalidFiles",
        "AddFilesAddFilesFileDiffers",
        "AddFilesAddFilesTooMany",
        "AddFilesAddFilesInvalid",
    ] = Field(alias="addFiles", discriminator="typename__")


class AddFilesAddFilesFilesAdded(BaseModel):
    typename__: Literal["FilesAdded"] = Field(alias="__typename")
    added_count: int = Field(alias="addedCount")
    known_count: int = Field(alias="knownCount")
    known: list["AddFilesAddFilesFilesAddedKnown"]


class AddFilesAddFilesFilesAddedKnown(BaseModel):
    field: str
    name: str
    completed: list[str]


class AddFilesAddFilesNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class AddFilesAddFilesNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class AddFilesAddFilesTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class AddFilesAddFilesIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class AddFilesAddFilesInvalidFiles(BaseModel):
    typename__: Literal["InvalidFiles"] = Field(alias="__typename")
    message: str
    findings: list["AddFilesAddFilesInvalidFilesFindings"]


class AddFilesAddFilesInvalidFilesFindings(BaseModel):
    path: str
    message: str


class AddFilesAddFilesFileDiffers(BaseModel):
    typename__: Literal["FileDiffers"] = Field(alias="__typename")
    message: str
    field: str
    differences: list["AddFilesAddFilesFileDiffersDifferences"]


class AddFilesAddFilesFileDiffersDifferences(BaseModel):
    field: str
    name: str
    known: Any
    told: Any


class AddFilesAddFilesTooMany(BaseModel):
    typename__: Literal["TooMany"] = Field(alias="__typename")
    message: str


class AddFilesAddFilesInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


AddFiles.model_rebuild()
AddFilesAddFilesFilesAdded.model_rebuild()
AddFilesAddFilesInvalidFiles.model_rebuild()
AddFilesAddFilesFileDiffers.model_rebuild()
