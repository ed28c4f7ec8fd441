from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import ChangePart


class WatchChanges(BaseModel):
    changes: Union[
        "WatchChangesChangesChange",
        "WatchChangesChangesHeartbeat",
        "WatchChangesChangesCursorExpired",
        "WatchChangesChangesCursorFromAnotherHistory",
        "WatchChangesChangesNotFound",
    ] = Field(discriminator="typename__")


class WatchChangesChangesChange(ChangePart):
    typename__: Literal["Change"] = Field(alias="__typename")


class WatchChangesChangesHeartbeat(BaseModel):
    typename__: Literal["Heartbeat"] = Field(alias="__typename")
    cursor: str


class WatchChangesChangesCursorExpired(BaseModel):
    typename__: Literal["CursorExpired"] = Field(alias="__typename")
    oldest: str


class WatchChangesChangesCursorFromAnotherHistory(BaseModel):
    typename__: Literal["CursorFromAnotherHistory"] = Field(alias="__typename")
    head: str


class WatchChangesChangesNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


WatchChanges.model_rebuild()
