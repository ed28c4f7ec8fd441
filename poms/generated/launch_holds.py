from pydantic import Field

from .base_model import BaseModel
from .fragments import HoldPart


class LaunchHolds(BaseModel):
    launch_holds: list["LaunchHoldsLaunchHolds"] = Field(alias="launchHolds")


LaunchHoldsLaunchHolds = HoldPart
LaunchHolds.model_rebuild()
