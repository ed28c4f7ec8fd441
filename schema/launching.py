"""What comes of launching, and of asking something of a submission."""

from collections.abc import Sequence
from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from domain.launch_plans import Difference, PlanPart
from domain.submissions import SubmissionState
from door.describe import choice, thing
from schema.problems import IdempotencyKeyReused, Invalid, NotFound, NotPermitted, Problem
from schema.submissions import Submission

choice(PlanPart)


@thing
class StageBusy(Problem):
    """The launch would have to wait and was not to, or its files are in a live submission."""


@thing
class LaunchesHeld(Problem):
    """Somebody holds launches of this, and the launch was not to wait."""


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


@thing
class PlanChange:
    """What of a plan is not as it was shown: of the part, only what differs, by name."""

    part: PlanPart
    """Which part."""
    then: JSON
    """How it was shown."""
    now: JSON
    """How it is."""


@thing
class PlanChanged(Problem):
    """A launch would not be what was shown: nothing was launched."""

    changes: list[PlanChange]
    """What has changed."""

    @classmethod
    def of(cls, message: str, found: Sequence[Difference]) -> "PlanChanged":
        """Say what has changed."""
        changes = [
            PlanChange(part=one.part, then=JSON(one.then), now=JSON(one.now)) for one in found
        ]
        return cls(message=message, changes=changes)


@thing
class PlanUnknown(Problem):
    """There is no such plan of what is launched, or it has expired (an hour after it was shown)."""


Refused = (
    StageBusy | LaunchesHeld | NothingToLaunch | DatasetWithoutFiles | StageInactive | NotLaunchable
)
PlanRefused = PlanChanged | PlanUnknown

LaunchStageResult = Annotated[
    Submission
    | NotFound
    | NotPermitted
    | Invalid
    | IdempotencyKeyReused
    | StageBusy
    | LaunchesHeld
    | NothingToLaunch
    | DatasetWithoutFiles
    | StageInactive
    | NotLaunchable
    | PlanChanged
    | PlanUnknown,
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
class LateLaunched:
    """Files that came late are on their way."""

    submissions: list[Submission]
    """One for each slice."""


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
    | LaunchesHeld
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
LaunchLateResult = Annotated[
    LateLaunched
    | NotFound
    | NotPermitted
    | IdempotencyKeyReused
    | StageBusy
    | NothingToLaunch
    | DatasetWithoutFiles
    | StageInactive
    | NotLaunchable
    | PlanChanged
    | PlanUnknown,
    strawberry.union("LaunchLateResult"),
]
