from pydantic import Field

from .base_model import BaseModel
from .fragments import PagePart, QueuedPart


class LaunchQueue(BaseModel):
    launch_queue: "LaunchQueueLaunchQueue" = Field(alias="launchQueue")


class LaunchQueueLaunchQueue(BaseModel):
    nodes: list["LaunchQueueLaunchQueueNodes"]
    page_info: "LaunchQueueLaunchQueuePageInfo" = Field(alias="pageInfo")


LaunchQueueLaunchQueueNodes = QueuedPart
LaunchQueueLaunchQueuePageInfo = PagePart
LaunchQueue.model_rebuild()
LaunchQueueLaunchQueue.model_rebuild()
