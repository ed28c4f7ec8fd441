"""Who decides for whom, as a client sees it."""

from datetime import datetime
from typing import Annotated

import strawberry

from door.describe import declare_input_type
from schema.people.experiments import Experiment
from schema.problems import Invalid, MutationProblem


@declare_input_type
class SetDelegateInput:
    """Who decides for you, and when."""

    experiment: str
    """In which experiment."""
    to: str | None
    """The username of another member; null: nobody, from now on."""
    starts_at: datetime
    """From when on."""
    ends_at: datetime
    """Until when, a year later at most."""


SetDelegateResult = Annotated[
    Experiment | MutationProblem | Invalid, strawberry.union("SetDelegateResult")
]
