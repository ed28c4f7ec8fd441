from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import OutputPart, PagePart


class LaunchOutput(BaseModel):
    launch_output: Optional["LaunchOutputLaunchOutput"] = Field(alias="launchOutput")


class LaunchOutputLaunchOutput(BaseModel):
    nodes: list["LaunchOutputLaunchOutputNodes"]
    page_info: "LaunchOutputLaunchOutputPageInfo" = Field(alias="pageInfo")


LaunchOutputLaunchOutputNodes = OutputPart
LaunchOutputLaunchOutputPageInfo = PagePart
LaunchOutput.model_rebuild()
LaunchOutputLaunchOutput.model_rebuild()
