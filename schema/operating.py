"""Who may steer what a campaign launches and has launched."""

from domain.actions import SubmissionAction
from door.describe import choice
from schema.context import Info

choice(SubmissionAction)


async def may_operate(info: Info, campaign_id: int) -> bool:
    """Whether the viewer may hold, cancel or release what is this campaign's."""
    campaign = await info.context.load.campaign.load(campaign_id)
    return campaign is not None and info.context.allows(
        "operate", campaign.experiment_id, campaign.owner_id, campaign.owning_role
    )
