from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel


class AddFiles(BaseModel):
    add_files: Union[
        "AddFilesAddFilesFilesAdded",
        "AddFilesAddFilesNotFound",
        "AddFilesAddFilesNotPermitted",
        "AddFilesAddFilesInvalidFiles",
        "AddFilesAddFilesFileDiffers",
        "AddFilesAddFilesTooMany",
        "AddFilesAddFilesInvalid",
        "AddFilesAddFilesIdempotencyKeyReused",
    ] = Field(alias="addFiles", discriminator="typename__")


class AddFilesAddFilesFilesAdded(BaseModel):
    typename__: Literal["FilesAdded"] = Field(alias="__typename")
    added: int
    known: int


class AddFilesAddFilesNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class AddFilesAddFilesNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
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


class AddFilesAddFilesTooMany(BaseModel):
    typename__: Literal["TooMany"] = Field(alias="__typename")
    message: str


class AddFilesAddFilesInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


class AddFilesAddFilesIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


AddFiles.model_rebuild()
AddFilesAddFilesInvalidFiles.model_rebuild()
