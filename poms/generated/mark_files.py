from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel


class MarkFiles(BaseModel):
    mark_files: Union[
        "MarkFilesMarkFilesFilesMarked",
        "MarkFilesMarkFilesNotFound",
        "MarkFilesMarkFilesNotPermitted",
        "MarkFilesMarkFilesTryAgainLater",
        "MarkFilesMarkFilesIdempotencyKeyReused",
        "MarkFilesMarkFilesTooMany",
        "MarkFilesMarkFilesInvalid",
    ] = Field(alias="markFiles", discriminator="typename__")


class MarkFilesMarkFilesFilesMarked(BaseModel):
    typename__: Literal["FilesMarked"] = Field(alias="__typename")
    marked_count: int = Field(alias="markedCount")
    known_count: int = Field(alias="knownCount")
    missing: list[str]


class MarkFilesMarkFilesNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class MarkFilesMarkFilesNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class MarkFilesMarkFilesTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class MarkFilesMarkFilesIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class MarkFilesMarkFilesTooMany(BaseModel):
    typename__: Literal["TooMany"] = Field(alias="__typename")
    message: str


class MarkFilesMarkFilesInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


MarkFiles.model_rebuild()
