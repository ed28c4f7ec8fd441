from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import PagePart, ServiceTokenPart


class ServiceTokens(BaseModel):
    service_tokens: Optional["ServiceTokensServiceTokens"] = Field(
        alias="serviceTokens"
    )


class ServiceTokensServiceTokens(BaseModel):
    nodes: list["ServiceTokensServiceTokensNodes"]
    page_info: "ServiceTokensServiceTokensPageInfo" = Field(alias="pageInfo")


ServiceTokensServiceTokensNodes = ServiceTokenPart
ServiceTokensServiceTokensPageInfo = PagePart
ServiceTokens.model_rebuild()
ServiceTokensServiceTokens.model_rebuild()
