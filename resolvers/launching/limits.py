"""Limiting launches, and preferring some to others."""

from typing import Annotated

import strawberry

from db.launching import limits
from domain.campaigns.campaigns import MOST_JOBS, MOST_UNFINISHED
from domain.launching.queue import check_priority
from door.describe import declare_input_type, declare_object_type
from resolvers import tenants
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nouns import CAMPAIGN, SUBMISSION, find_allowed
from schema import ids
from schema.campaigns.campaigns import Campaign
from schema.context import Info
from schema.people.experiments import Experiment
from schema.problems import Invalid, MutationProblem, NotFound, NotPermitted
from schema.submissions.operation_results import NotPossibleNow
from schema.submissions.submissions import Submission


@declare_input_type
class SetLaunchLimitsInput:
    """How much there may be at once; null: any number."""

    id: strawberry.ID
    """Of a campaign or an experiment; a stage's limits are saved with its campaign."""
    most_unfinished: int | None = None
    """How many submissions that are not over."""
    most_jobs: int | None = None
    """How many of their jobs that are not over."""


SetLaunchLimitsResult = Annotated[
    Campaign | Experiment | MutationProblem | Invalid,
    strawberry.union("SetLaunchLimitsResult"),
]
SetPriorityResult = Annotated[
    Campaign | Submission | MutationProblem | Invalid | NotPossibleNow,
    strawberry.union("SetPriorityResult"),
]


def check_limits(given: SetLaunchLimitsInput) -> Invalid | None:
    """What is wrong with limits, or nothing."""
    for field, value, most in (
        ("mostUnfinished", given.most_unfinished, MOST_UNFINISHED),
        ("mostJobs", given.most_jobs, MOST_JOBS),
    ):
        if value is not None and not 1 <= value <= most:
            return Invalid(message=f"A limit is from 1 to {most}.", field=field)
    return None


@declare_object_type
class LimitMutations:
    """Limits and priorities."""

    @declare_mutation("modify")
    async def set_launch_limits(
        self,
        info: Info,
        input: SetLaunchLimitsInput,  # noqa: A002 - the argument's name in GraphQL
    ) -> SetLaunchLimitsResult:
        """Limit what a campaign or an experiment has at once: what is more waits in the `launchQueue`.

        Nothing that was launched already is ended for it.
        """
        if problem := check_limits(input):
            return problem
        if input.id.startswith("experiment:"):
            return await limit_experiment(info, input)
        row = await find_allowed(info, CAMPAIGN, input.id, "modify")
        if isinstance(row, NotFound | NotPermitted):
            return row
        given, person_id = (input.most_unfinished, input.most_jobs), info.context.viewer.person_id
        saved = await limits.limit_campaign(await begin_change(), row.id, given, person_id)
        return Campaign.of(saved, info.context.viewer) if saved else NotFound(message="It is gone.")

    @declare_mutation("operate")
    async def set_priority(self, info: Info, id: strawberry.ID, priority: int) -> SetPriorityResult:
        """Prefer a launch that waits, or all later launches of a campaign that are given no priority.

        From -1000 to 1000; the higher begins first, and runs first where the batch system allows it.
        """
        if said := check_priority(priority):
            return Invalid(message=said, field="priority")
        if id.startswith("submission:"):
            return await set_launch_priority(info, id, priority)
        row = await find_allowed(info, CAMPAIGN, id, "operate")
        if isinstance(row, NotFound | NotPermitted):
            return row
        person_id = info.context.viewer.person_id
        saved = await limits.set_campaign_priority(
            await begin_change(), row.id, priority, person_id
        )
        return Campaign.of(saved, info.context.viewer) if saved else NotFound(message="It is gone.")


async def limit_experiment(
    info: Info, given: SetLaunchLimitsInput
) -> Experiment | NotFound | NotPermitted:
    """Limit an experiment: its superusers may."""
    key = ids.parse_node_id(given.id, "experiment")
    row = await info.context.load.experiment.load(key) if key else None
    if row is None or not info.context.viewer.sees(row.id):
        return NotFound(message="There is no such experiment.")
    if not info.context.allows("modify", row.id):
        return tenants.report_not_permitted("modify", f"experiment {row.name}")
    most = given.most_unfinished, given.most_jobs
    person_id = info.context.viewer.person_id
    saved = await limits.limit_experiment(await begin_change(), row.id, most, person_id)
    return Experiment.of(saved or row, info.context.viewer)


async def set_launch_priority(
    info: Info, id: strawberry.ID, priority: int
) -> Submission | NotFound | NotPermitted | NotPossibleNow:
    """Give a launch that waits another place in the queue."""
    row = await find_allowed(info, SUBMISSION, id, "operate")
    if isinstance(row, NotFound | NotPermitted):
        return row
    person_id = info.context.viewer.person_id
    saved = await limits.set_launch_priority(await begin_change(), row.id, priority, person_id)
    if saved is None:
        now = await info.context.load.submission.load(row.id) or row
        message = f"Submission {row.id} is {now.state}: it waits no more."
        return NotPossibleNow(message=message, state=now.state)
    return Submission.of(saved)
