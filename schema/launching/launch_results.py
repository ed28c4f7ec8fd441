"""What comes of launching."""

from collections.abc import Sequence
from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from domain.launching.launch_plans import PlanDifference, PlanPart
from door.describe import declare_enum_type, declare_object_type
from schema.problems import Invalid, MutationProblem, Problem
from schema.submissions.submissions import Submission

declare_enum_type(PlanPart)


@declare_object_type
class StageBusy(Problem):
    """The launch would have to wait and was not to, or its files are in a live submission."""


@declare_object_type
class LaunchesHeld(Problem):
    """Somebody holds launches of this, and the launch was not to wait."""


@declare_object_type
class NothingToLaunch(Problem):
    """Everything has been launched already, or no stage can begin."""


@declare_object_type
class DatasetWithoutFiles(Problem):
    """The stage has no files to work on yet."""


@declare_object_type
class StageInactive(Problem):
    """The stage or its campaign launches nothing any more."""


@declare_object_type
class NotLaunchable(Problem):
    """Something in its configuration keeps the stage from being launched."""


@declare_object_type
class PlanChange:
    """What of a plan is not as it was shown: of the part, only what differs, by name."""

    part: PlanPart
    """Which part."""
    previous: JSON
    """How it was shown."""
    current: JSON
    """How it is."""


@declare_object_type
class PlanChanged(Problem):
    """A launch would not be what was shown: nothing was launched."""

    changes: list[PlanChange]
    """What has changed."""

    @classmethod
    def of(cls, message: str, found: Sequence[PlanDifference]) -> "PlanChanged":
        """Say what has changed."""
        changes = [
            PlanChange(part=one.part, previous=JSON(one.then), current=JSON(one.now))
            for one in found
        ]
        return cls(message=message, changes=changes)


@declare_object_type
class PlanUnknown(Problem):
    """There is no such plan of what is launched, or it has expired (an hour after it was shown)."""


Refused = (
    StageBusy | LaunchesHeld | NothingToLaunch | DatasetWithoutFiles | StageInactive | NotLaunchable
)
PlanRefused = PlanChanged | PlanUnknown

LaunchStageResult = Annotated[
    Submission
    | MutationProblem
    | Invalid
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


@declare_object_type
class StageLaunch:
    """What came of one stage of a launched campaign."""

    stage_id: strawberry.ID
    """Which stage."""
    submission: Submission | None
    """Its submission, if it was launched."""
    problem: Problem | None
    """Why it was not launched, if it wasn't."""


@declare_object_type
class LateFilesLaunched:
    """Files that came late are on their way."""

    submissions: list[Submission]
    """One for each slice."""


@declare_object_type
class CampaignLaunched:
    """At least one stage of the campaign was launched."""

    launches: list[StageLaunch]
    """One for each stage that begins without another one's outputs."""


LaunchCampaignResult = Annotated[
    CampaignLaunched
    | MutationProblem
    | Invalid
    | StageBusy
    | LaunchesHeld
    | NothingToLaunch
    | DatasetWithoutFiles
    | StageInactive
    | NotLaunchable,
    strawberry.union("LaunchCampaignResult"),
]

LaunchLateResult = Annotated[
    LateFilesLaunched
    | MutationProblem
    | StageBusy
    | NothingToLaunch
    | DatasetWithoutFiles
    | StageInactive
    | NotLaunchable
    | PlanChanged
    | PlanUnknown,
    strawberry.union("LaunchLateResult"),
]
