from pydantic import Field

from .base_model import BaseModel
from .fragments import PagePart


class Datasets(BaseModel):
    datasets: "DatasetsDatasets"


class DatasetsDatasets(BaseModel):
    nodes: list["DatasetsDatasetsNodes"]
    page_info: "DatasetsDatasetsPageInfo" = Field(alias="pageInfo")


class DatasetsDatasetsNodes(BaseModel):
    id: str
    name: str
    files_total: int = Field(alias="filesTotal")


DatasetsDatasetsPageInfo = PagePart
Datasets.model_rebuild()
DatasetsDatasets.model_rebuild()
