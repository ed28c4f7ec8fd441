from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import PlanPart, PlanPartCounts, PlanPartResources  # noqa: F401


class PlanRecovery(BaseModel):
    plan_recovery: Union[
        "PlanRecoveryPlanRecoveryRecoveryPlan",
        "PlanRecoveryPlanRecoveryNotFound",
        "PlanRecoveryPlanRecoveryInvalid",
        "PlanRecoveryPlanRecoveryNotPossibleNow",
        "PlanRecoveryPlanRecoveryNotLaunchable",
    ] = Field(alias="planRecovery", discriminator="typename__")


class PlanRecoveryPlanRecoveryRecoveryPlan(PlanPart):
    typename__: Literal["RecoveryPlan"] = Field(alias="__typename")


class PlanRecoveryPlanRecoveryNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class PlanRecoveryPlanRecoveryInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


class PlanRecoveryPlanRecoveryNotPossibleNow(BaseModel):
    typename__: Literal["NotPossibleNow"] = Field(alias="__typename")
    message: str


class PlanRecoveryPlanRecoveryNotLaunchable(BaseModel):
    typename__: Literal["NotLaunchable"] = Field(alias="__typename")
    message: str


PlanRecovery.model_rebuild()
