"""Limiting launches, and preferring some to others."""

from typing import Annotated

import strawberry

from db import campaigns, limits
from db.submissions import Submission as Row
from domain.campaigns import MOST_JOBS, MOST_UNFINISHED
from domain.queue import wrong_priority
from door.describe import asked, thing
from resolvers import tenants
from schema import ids
from schema.campaigns import Campaign
from schema.context import Info
from schema.experiments import Experiment
from schema.fields import changes
from schema.launching import NotPossibleNow
from schema.operating import may_operate
from schema.problems import Invalid, NotFound, NotPermitted
from schema.submissions import Submission


@asked
class LaunchLimitsInput:
    """How much there may be at once; null: any number."""

    id: strawberry.ID
    """Of a campaign or an experiment; a stage's limits are saved with its campaign."""
    most_unfinished: int | None = None
    """How many submissions that are not over."""
    most_jobs: int | None = None
    """How many of their jobs that are not over."""


SetLaunchLimitsResult = Annotated[
    Campaign | Experiment | NotFound | NotPermitted | Invalid,
    strawberry.union("SetLaunchLimitsResult"),
]
SetPriorityResult = Annotated[
    Campaign | Submission | NotFound | NotPermitted | Invalid | NotPossibleNow,
    strawberry.union("SetPriorityResult"),
]


def wrong(given: LaunchLimitsInput) -> Invalid | None:
    """What is wrong with limits, or nothing."""
    for field, value, most in (
        ("mostUnfinished", given.most_unfinished, MOST_UNFINISHED),
        ("mostJobs", given.most_jobs, MOST_JOBS),
    ):
        if value is not None and not 1 <= value <= most:
            return Invalid(message=f"A limit is from 1 to {most}.", field=field)
    return None


async def campaign_to(
    info: Info, key: int | None, action: str
) -> campaigns.Campaign | NotFound | NotPermitted:
    """A campaign to which the viewer may do this."""
    row = await info.context.load.campaign.load(key) if key else None
    if row is None or not info.context.viewer.sees(row.experiment_id):
        return NotFound(message="There is no such campaign.")
    if not info.context.allows(action, row.experiment_id, row.owner_id, row.owning_role):
        return tenants.refused(action, f"campaign {row.name}")
    return row


@thing
class LimitMutations:
    """Limits and priorities."""

    @changes("modify")
    async def set_launch_limits(
        self,
        info: Info,
        input: LaunchLimitsInput,  # noqa: A002 - the argument's name in GraphQL
    ) -> SetLaunchLimitsResult:
        """Limit what a campaign or an experiment has at once: what is more waits in the `launchQueue`.

        Nothing that was launched already is ended for it.
        """
        if problem := wrong(input):
            return problem
        if input.id.startswith("experiment:"):
            return await limit_experiment(info, input)
        row = await campaign_to(info, ids.number(input.id, "campaign"), "modify")
        if not isinstance(row, campaigns.Campaign):
            return row
        given = input.most_unfinished, input.most_jobs
        saved = await limits.of_campaign(info.context.db, row.id, *given)
        await info.context.ring()
        return Campaign.of(saved, info.context.viewer) if saved else NotFound(message="It is gone.")

    @changes("operate")
    async def set_priority(self, info: Info, id: strawberry.ID, priority: int) -> SetPriorityResult:
        """Prefer a launch that waits, or all later launches of a campaign that are given no priority.

        From -1000 to 1000; the higher begins first, and runs first where the batch system allows it.
        """
        if said := wrong_priority(priority):
            return Invalid(message=said, field="priority")
        if id.startswith("submission:"):
            return await prefer_launch(info, id, priority)
        row = await campaign_to(info, ids.number(id, "campaign"), "operate")
        if not isinstance(row, campaigns.Campaign):
            return row
        saved = await limits.prefer_campaign(info.context.db, row.id, priority)
        await info.context.ring()
        return Campaign.of(saved, info.context.viewer) if saved else NotFound(message="It is gone.")


async def limit_experiment(
    info: Info, given: LaunchLimitsInput
) -> Experiment | NotFound | NotPermitted:
    """Limit an experiment: its superusers may."""
    key = ids.number(given.id, "experiment")
    row = await info.context.load.experiment.load(key) if key else None
    if row is None or not info.context.viewer.sees(row.id):
        return NotFound(message="There is no such experiment.")
    if not info.context.allows("modify", row.id):
        return tenants.refused("modify", f"experiment {row.name}")
    most = given.most_unfinished, given.most_jobs
    saved = await limits.of_experiment(info.context.db, row.id, *most)
    await info.context.ring()
    return Experiment.of(saved or row, info.context.viewer)


async def prefer_launch(
    info: Info, id: strawberry.ID, priority: int
) -> Submission | NotFound | NotPermitted | NotPossibleNow:
    """Give a launch that waits another place in the queue."""
    key = ids.number(id, "submission")
    row: Row | None = await info.context.load.submission.load(key) if key else None
    if row is None or not info.context.viewer.sees(row.experiment_id):
        return NotFound(message=f"There is no submission {id[:50]!r}.")
    if not await may_operate(info, row.campaign_id):
        return tenants.refused("operate", "submissions here")
    saved = await limits.prefer_launch(info.context.db, row.id, priority)
    if saved is None:
        now = await info.context.load.submission.load(row.id) or row
        message = f"Submission {row.id} is {now.state}: it waits no more."
        return NotPossibleNow(message=message, state=now.state)
    await info.context.ring()
    return Submission.of(saved)
