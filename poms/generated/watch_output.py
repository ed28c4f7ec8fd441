from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import OutputPart


class WatchOutput(BaseModel):
    launch_output: Union[
        "WatchOutputLaunchOutputLaunchOutput", "WatchOutputLaunchOutputNotFound"
    ] = Field(alias="launchOutput", discriminator="typename__")


class WatchOutputLaunchOutputLaunchOutput(OutputPart):
    typename__: Literal["LaunchOutput"] = Field(alias="__typename")


class WatchOutputLaunchOutputNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


WatchOutput.model_rebuild()
