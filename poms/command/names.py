"""What people call things: `campaign:42`, `experiment/campaign` or just `campaign`; `…/stage` for a stage."""

from collections.abc import Iterator
from dataclasses import dataclass

from poms.client import Client, find_next_cursor, iterate_pages
from poms.generated.fragments import CampaignPart
from poms.generated.input_types import CampaignFilter
from poms.transport import OperationRefused


@dataclass(frozen=True, slots=True)
class NamedTarget:
    """A campaign, and one of its stages if one was named."""

    campaign: CampaignPart
    stage_id: str | None = None


async def list_campaigns(api: Client, wanted: CampaignFilter) -> list[CampaignPart]:
    """All campaigns that a filter lets through."""

    async def page(after: str | None) -> tuple[list[CampaignPart], str | None]:
        found = (await api.campaigns(wanted, after)).campaigns
        return list(found.nodes), find_next_cursor(found.page_info)

    return [each async for each in iterate_pages(page)]


async def find_campaign(api: Client, text: str) -> CampaignPart:
    """The campaign that is called so."""
    return (await find_named(api, text, stage=False)).campaign


async def find_named(api: Client, text: str, *, stage: bool = True) -> NamedTarget:
    """The campaign, or the stage, that is called so; a name that more than one has is refused."""
    if text.startswith("campaign:"):
        found = (await api.campaign(text)).campaign
        if found is None:
            raise OperationRefused(f"There is no {text}.")
        return NamedTarget(found)
    hits = [
        hit
        for way in _iterate_divisions(text.split("/"), stage=stage)
        for hit in await _find_in_experiment(api, *way)
    ]
    if len(hits) == 1:
        return hits[0]
    if not hits:
        raise OperationRefused(f"There is no campaign {'or stage ' if stage else ''}{text!r}.")
    say = ", ".join(f"{hit.campaign.experiment.name}/{hit.campaign.name}" for hit in hits)
    raise OperationRefused(f"{text!r} may be one of {say}: say which.")


async def find_whole(api: Client, text: str) -> str:
    """The id of all that is called so: a stage, a campaign, or, with a slash at its end, an experiment."""
    if text.startswith("stage:"):
        return text
    if text.endswith("/"):
        found = (await api.experiment(text[:-1])).experiment
        if found is None:
            raise OperationRefused(f"There is no experiment {text[:-1]!r}.")
        return found.id
    hit = await find_named(api, text)
    return hit.stage_id or hit.campaign.id


MOST_NAME = 100
"""So long is no campaign's name."""
Way = tuple[str | None, str, str | None]
"""An experiment's, a campaign's and a stage's name."""


def _iterate_divisions(words: list[str], *, stage: bool) -> Iterator[Way]:
    """How names may be divided: campaigns and stages may have slashes in theirs, experiments don't."""
    for experiment, rest in ((None, words), (words[0], words[1:])):
        if rest:
            yield experiment, "/".join(rest), None
        for cut in range(1, len(rest)) if stage else ():
            yield experiment, "/".join(rest[:cut]), "/".join(rest[cut:])


async def _find_in_experiment(
    api: Client, experiment: str | None, name: str, stage: str | None
) -> list[NamedTarget]:
    if len(name) > MOST_NAME:
        return []
    wanted = CampaignFilter(experiment=experiment, name_contains=name)
    found = [c for c in await list_campaigns(api, wanted) if c.name == name]
    if stage is None:
        return [NamedTarget(each) for each in found]
    return [NamedTarget(c, s.id) for c in found for s in c.stages if s.name == stage]
