from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import PagePart


class DatasetFiles(BaseModel):
    dataset_named: Optional["DatasetFilesDatasetNamed"] = Field(alias="datasetNamed")


class DatasetFilesDatasetNamed(BaseModel):
    id: str
    name: str
    files_total: int = Field(alias="filesTotal")
    submission_id: Optional[str] = Field(alias="submissionId")
    files: "DatasetFilesDatasetNamedFiles"


class DatasetFilesDatasetNamedFiles(BaseModel):
    nodes: list["DatasetFilesDatasetNamedFilesNodes"]
    page_info: "DatasetFilesDatasetNamedFilesPageInfo" = Field(alias="pageInfo")


class DatasetFilesDatasetNamedFilesNodes(BaseModel):
    id: str
    name: str
    size: Optional[int]
    checksum: Optional[str]
    location: Optional[str]


DatasetFilesDatasetNamedFilesPageInfo = PagePart
DatasetFiles.model_rebuild()
DatasetFilesDatasetNamed.model_rebuild()
DatasetFilesDatasetNamedFiles.model_rebuild()
