"""Who may steer what a campaign launches and has launched."""

from domain.submissions.actions import SubmissionAction
from door.describe import declare_enum_type
from schema.context import Info

declare_enum_type(SubmissionAction)


async def may_operate(info: Info, campaign_id: int) -> bool:
    """Whether the viewer may hold, cancel or release what is this campaign's."""
    campaign = await info.context.load.campaign.load(campaign_id)
    return campaign is not None and info.context.allows(
        "operate", campaign.experiment_id, campaign.owner_id, campaign.owning_role
    )
