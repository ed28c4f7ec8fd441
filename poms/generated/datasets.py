from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import FileCheckPart, PagePart


class Datasets(BaseModel):
    datasets: "DatasetsDatasets"


class DatasetsDatasets(BaseModel):
    nodes: list["DatasetsDatasetsNodes"]
    page_info: "DatasetsDatasetsPageInfo" = Field(alias="pageInfo")


class DatasetsDatasetsNodes(BaseModel):
    id: str
    name: str
    description: str
    files_total: int = Field(alias="filesTotal")
    bytes_: int = Field(alias="bytes")
    files_without_size: int = Field(alias="filesWithoutSize")
    events: int
    file_check: Optional["DatasetsDatasetsNodesFileCheck"] = Field(alias="fileCheck")


DatasetsDatasetsNodesFileCheck = FileCheckPart
DatasetsDatasetsPageInfo = PagePart
Datasets.model_rebuild()
DatasetsDatasets.model_rebuild()
DatasetsDatasetsNodes.model_rebuild()
