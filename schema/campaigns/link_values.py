"""What the variables of links and summaries are of campaigns and stages."""

from functools import partial

from domain.links import LinkSubject
from schema.context import Info
from schema.people.links import Link, list_links
from schema.people.summaries import Summary, list_summaries


async def list_campaign_links(info: Info, experiment_id: int, campaign_id: int) -> list[Link]:
    """The links of a campaign."""
    find_value = partial(find_campaign_value, info, campaign_id)
    return await list_links(info, experiment_id, LinkSubject.CAMPAIGN, find_value)


async def list_stage_links(info: Info, experiment_id: int, stage_id: int) -> list[Link]:
    """The links of a stage."""
    find_value = partial(find_stage_value, info, stage_id)
    return await list_links(info, experiment_id, LinkSubject.STAGE, find_value)


async def list_campaign_summaries(
    info: Info, experiment_id: int, campaign_id: int
) -> list[Summary]:
    """The summaries of a campaign."""
    find_value = partial(find_campaign_value, info, campaign_id)
    return await list_summaries(info, experiment_id, LinkSubject.CAMPAIGN, campaign_id, find_value)


async def list_stage_summaries(info: Info, experiment_id: int, stage_id: int) -> list[Summary]:
    """The summaries of a stage."""
    find_value = partial(find_stage_value, info, stage_id)
    return await list_summaries(info, experiment_id, LinkSubject.STAGE, stage_id, find_value)


async def find_campaign_value(info: Info, campaign_id: int, name: str) -> str | int | None:
    """What a variable is of a campaign."""
    if name != "campaign_name":
        return campaign_id
    row = await info.context.load.campaign.load(campaign_id)
    return None if row is None else row.name


async def find_stage_value(info: Info, stage_id: int, name: str) -> str | int | None:
    """What a variable is of a stage."""
    if name == "stage":
        return stage_id
    row = await info.context.load.stage.load(stage_id)
    if row is None:
        return None
    return (
        row.name if name == "stage_name" else await find_campaign_value(info, row.campaign_id, name)
    )
