from typing import Annotated, Literal, Optional, Union

from pydantic import Field

from .base_model import BaseModel
from .fragments import HoldPart


class HoldsOf(BaseModel):
    node: Optional[
        Annotated[
            Union[
                "HoldsOfNodeNode",
                "HoldsOfNodeCampaign",
                "HoldsOfNodeExperiment",
                "HoldsOfNodeStage",
            ],
            Field(discriminator="typename__"),
        ]
    ]


class HoldsOfNodeNode(BaseModel):
    typename__: Literal[
        "Catalog",
        "Credential",
        "Dataset",
        "Dependency",
        "Discrepancy",
        "File",
        "Job",
        "JobType",
        "LaunchHold",
        "LaunchHost",
        "LoginSetup",
        "Node",
        "Person",
        "Request",
        "RequestDecision",
        "Revision",
        "ServiceToken",
        "Submission",
    ] = Field(alias="__typename")


class HoldsOfNodeCampaign(BaseModel):
    typename__: Literal["Campaign"] = Field(alias="__typename")
    launch_holds: list["HoldsOfNodeCampaignLaunchHolds"] = Field(alias="launchHolds")


HoldsOfNodeCampaignLaunchHolds = HoldPart


class HoldsOfNodeExperiment(BaseModel):
    typename__: Literal["Experiment"] = Field(alias="__typename")
    launch_holds: list["HoldsOfNodeExperimentLaunchHolds"] = Field(alias="launchHolds")


HoldsOfNodeExperimentLaunchHolds = HoldPart


class HoldsOfNodeStage(BaseModel):
    typename__: Literal["Stage"] = Field(alias="__typename")
    launch_holds: list["HoldsOfNodeStageLaunchHolds"] = Field(alias="launchHolds")


HoldsOfNodeStageLaunchHolds = HoldPart
HoldsOf.model_rebuild()
HoldsOfNodeCampaign.model_rebuild()
HoldsOfNodeExperiment.model_rebuild()
HoldsOfNodeStage.model_rebuild()
