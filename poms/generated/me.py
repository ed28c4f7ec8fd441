from datetime import datetime
from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import Role


class Me(BaseModel):
    viewer: "MeViewer"


class MeViewer(BaseModel):
    is_admin: bool = Field(alias="isAdmin")
    expires_at: Optional[datetime] = Field(alias="expiresAt")
    person: "MeViewerPerson"
    memberships: list["MeViewerMemberships"]


class MeViewerPerson(BaseModel):
    username: str


class MeViewerMemberships(BaseModel):
    role: Role
    experiment: "MeViewerMembershipsExperiment"


class MeViewerMembershipsExperiment(BaseModel):
    name: str


Me.model_rebuild()
MeViewer.model_rebuild()
MeViewerMemberships.model_rebuild()
