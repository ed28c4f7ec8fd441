"""What comes of asking something of a submission."""

from typing import Annotated

import strawberry

from domain.submissions.submissions import SubmissionState
from door.describe import declare_object_type
from schema.problems import Invalid, MutationProblem, Problem
from schema.submissions.submissions import Submission


@declare_object_type
class NotPossibleNow(Problem):
    """In the state in which the submission is, there is no point in it."""

    state: SubmissionState
    """Where the submission is."""


CancelSubmissionResult = Annotated[
    Submission | MutationProblem | Invalid | NotPossibleNow,
    strawberry.union("CancelSubmissionResult"),
]


HoldSubmissionResult = Annotated[
    Submission | MutationProblem | Invalid | NotPossibleNow,
    strawberry.union("HoldSubmissionResult"),
]


ReleaseSubmissionResult = Annotated[
    Submission | MutationProblem | Invalid | NotPossibleNow,
    strawberry.union("ReleaseSubmissionResult"),
]


KickSubmissionResult = Annotated[
    Submission | MutationProblem | Invalid | NotPossibleNow,
    strawberry.union("KickSubmissionResult"),
]
