from pydantic import Field

from .base_model import BaseModel
from .fragments import PagePart, RequestDetailPart


class Requests(BaseModel):
    requests: "RequestsRequests"


class RequestsRequests(BaseModel):
    nodes: list["RequestsRequestsNodes"]
    page_info: "RequestsRequestsPageInfo" = Field(alias="pageInfo")


RequestsRequestsNodes = RequestDetailPart
RequestsRequestsPageInfo = PagePart
Requests.model_rebuild()
RequestsRequests.model_rebuild()
