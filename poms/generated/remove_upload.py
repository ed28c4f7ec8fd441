from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel


class RemoveUpload(BaseModel):
    remove_upload: Union[
        "RemoveUploadRemoveUploadUploadRemoved",
        "RemoveUploadRemoveUploadNotFound",
        "RemoveUploadRemoveUploadNotPermitted",
        "RemoveUploadRemoveUploadTryAgainLater",
        "RemoveUploadRemoveUploadIdempotencyKeyReused",
    ] = Field(alias="removeUpload", discriminator="typename__")


class RemoveUploadRemoveUploadUploadRemoved(BaseModel):
    typename__: Literal["UploadRemoved"] = Field(alias="__typename")
    id: str
    name: str


class RemoveUploadRemoveUploadNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class RemoveUploadRemoveUploadNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class RemoveUploadRemoveUploadTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class RemoveUploadRemoveUploadIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


RemoveUpload.model_rebuild()
