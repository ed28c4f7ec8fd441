from datetime import datetime
from typing import Optional

from pydantic import Field

from .base_model import BaseModel


class Uploads(BaseModel):
    uploads: Optional["UploadsUploads"]


class UploadsUploads(BaseModel):
    files: list["UploadsUploadsFiles"]
    bytes_: int = Field(alias="bytes")
    quota_bytes: int = Field(alias="quotaBytes")


class UploadsUploadsFiles(BaseModel):
    id: str
    name: str
    size: int
    checksum: str
    created_at: datetime = Field(alias="createdAt")


Uploads.model_rebuild()
UploadsUploads.model_rebuild()
