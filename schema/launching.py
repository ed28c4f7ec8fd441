"""What comes of launching, and of asking something of a submission."""

from typing import Annotated

import strawberry

from domain.submissions import SubmissionState
from door.describe import thing
from schema.problems import IdempotencyKeyReused, Invalid, NotFound, NotPermitted, Problem
from schema.submissions import Submission


@thing
class StageBusy(Problem):
    """The stage is at its limit of unfinished submissions, or its files are in a live one."""


@thing
class NothingToLaunch(Problem):
    """Everything has been launched already, or no stage can begin."""


@thing
class DatasetWithoutFiles(Problem):
    """The stage has no files to work on yet."""


@thing
class StageInactive(Problem):
    """The stage or its campaign launches nothing any more."""


@thing
class NotLaunchable(Problem):
    """Something in its configuration keeps the stage from being launched."""


@thing
class NotPossibleNow(Problem):
    """In the state in which the submission is, there is no point in it."""

    state: SubmissionState
    """Where the submission is."""


Refused = StageBusy | NothingToLaunch | DatasetWithoutFiles | StageInactive | NotLaunchable

LaunchStageResult = Annotated[
    Submission
    | NotFound
    | NotPermitted
    | Invalid
    | IdempotencyKeyReused
    | StageBusy
    | NothingToLaunch
    | DatasetWithoutFiles
    | StageInactive
    | NotLaunchable,
    strawberry.union("LaunchStageResult"),
]


@thing
class StageLaunch:
    """What came of one stage of a launched campaign."""

    stage_id: strawberry.ID
    """Which stage."""
    submission: Submission | None
    """Its submission, if it was launched."""
    problem: Problem | None
    """Why it was not launched, if it wasn't."""


@thing
class CampaignLaunched:
    """At least one stage of the campaign was launched."""

    launches: list[StageLaunch]
    """One for each stage that begins without another one's outputs."""


LaunchCampaignResult = Annotated[
    CampaignLaunched
    | NotFound
    | NotPermitted
    | Invalid
    | IdempotencyKeyReused
    | StageBusy
    | NothingToLaunch
    | DatasetWithoutFiles
    | StageInactive
    | NotLaunchable,
    strawberry.union("LaunchCampaignResult"),
]

CancelSubmissionResult = Annotated[
    Submission | NotFound | NotPermitted | Invalid | NotPossibleNow,
    strawberry.union("CancelSubmissionResult"),
]
HoldSubmissionResult = Annotated[
    Submission | NotFound | NotPermitted | Invalid | NotPossibleNow,
    strawberry.union("HoldSubmissionResult"),
]
ReleaseSubmissionResult = Annotated[
    Submission | NotFound | NotPermitted | Invalid | NotPossibleNow,
    strawberry.union("ReleaseSubmissionResult"),
]
KickSubmissionResult = Annotated[
    Submission | NotFound | NotPermitted | Invalid | NotPossibleNow,
    strawberry.union("KickSubmissionResult"),
]
