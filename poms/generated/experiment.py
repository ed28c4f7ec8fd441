from typing import Optional

from .base_model import BaseModel


class Experiment(BaseModel):
    experiment: Optional["ExperimentExperiment"]


class ExperimentExperiment(BaseModel):
    id: str


Experiment.model_rebuild()
