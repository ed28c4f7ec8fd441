from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import RequestDetailPart


class RequestNamed(BaseModel):
    request_named: Optional["RequestNamedRequestNamed"] = Field(alias="requestNamed")


RequestNamedRequestNamed = RequestDetailPart
RequestNamed.model_rebuild()
