"""Waiving inputs, as a client asks for it and sees it."""

from typing import Annotated

import strawberry

from door.describe import declare_input_type, declare_object_type
from schema.numbers import BigInt
from schema.problems import Invalid, MutationProblem
from schema.submissions.accounts import Account


@declare_input_type
class WaiveInputsInput:
    """Inputs that nobody wants done any more: of a submission with its recoveries, or of a stage."""

    id: strawberry.ID
    """The submission, or a recovery of it; or the stage, whose tests are left out."""
    file_ids: list[strawberry.ID] | None = None
    """Which files, at most 1,000; null: all that are owed or lost, of a generator all such units."""
    reason: str
    """Why; it is told with the change, and stays with each input."""


@declare_object_type
class InputsWaived:
    """They are neither owed nor lost any more, and no recovery takes them."""

    waived_count: BigInt
    """How many: those that are done, in work or waived already are not among them."""
    account: Account
    """What became of all inputs of the submission's family or the stage, as it is then."""


WaiveInputsResult = Annotated[
    InputsWaived | MutationProblem | Invalid, strawberry.union("WaiveInputsResult")
]
