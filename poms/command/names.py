"""What people call things: `campaign:42`, `experiment/campaign` or just `campaign`; `…/stage` for a stage."""

from dataclasses import dataclass

from poms.client import Client, following, pages
from poms.generated.fragments import CampaignPart
from poms.generated.input_types import CampaignFilter
from poms.transport import Refused


@dataclass(frozen=True, slots=True)
class Named:
    """A campaign, and one of its stages if one was named."""

    campaign: CampaignPart
    stage_id: str | None = None


async def campaigns(api: Client, wanted: CampaignFilter) -> list[CampaignPart]:
    """All campaigns that a filter lets through."""

    async def page(after: str | None) -> tuple[list[CampaignPart], str | None]:
        found = (await api.campaigns(wanted, after)).campaigns
        return list(found.nodes), following(found.page_info)

    return [each async for each in pages(page)]


async def campaign(api: Client, text: str) -> CampaignPart:
    """The campaign that is called so."""
    return (await named(api, text, stage=False)).campaign


async def named(api: Client, text: str, *, stage: bool = True) -> Named:
    """The campaign, or the stage, that is called so; a name that more than one has is refused."""
    if text.startswith("campaign:"):
        found = (await api.campaign(text)).campaign
        if found is None:
            raise Refused(f"There is no {text}.")
        return Named(found)
    words = text.split("/")
    ways = [_as_campaign(words), *([_as_stage(words)] if stage else [])]
    hits = [hit for way in ways if way for hit in await _look(api, *way)]
    if len(hits) == 1:
        return hits[0]
    if not hits:
        raise Refused(f"There is no campaign {'or stage ' if stage else ''}{text!r}.")
    say = ", ".join(f"{hit.campaign.experiment.name}/{hit.campaign.name}" for hit in hits)
    raise Refused(f"{text!r} may be one of {say}: say which.")


async def whole(api: Client, text: str) -> str:
    """The id of all that is called so: a stage, a campaign, or, with a slash at its end, an experiment."""
    if text.startswith("stage:"):
        return text
    if text.endswith("/"):
        found = (await api.experiment(text[:-1])).experiment
        if found is None:
            raise Refused(f"There is no experiment {text[:-1]!r}.")
        return found.id
    hit = await named(api, text)
    return hit.stage_id or hit.campaign.id


Way = tuple[str | None, str, str | None]
"""An experiment's, a campaign's and a stage's name."""


def _as_campaign(words: list[str]) -> Way | None:
    if len(words) > 2:
        return None
    return (words[0] if len(words) == 2 else None), words[-1], None


def _as_stage(words: list[str]) -> Way | None:
    if len(words) not in (2, 3):
        return None
    return (words[0] if len(words) == 3 else None), words[-2], words[-1]


async def _look(api: Client, experiment: str | None, name: str, stage: str | None) -> list[Named]:
    wanted = CampaignFilter(experiment=experiment, name_contains=name)
    found = [c for c in await campaigns(api, wanted) if c.name == name]
    if stage is None:
        return [Named(each) for each in found]
    return [Named(c, s.id) for c in found for s in c.stages if s.name == stage]
