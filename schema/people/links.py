"""Links to what knows more of a thing, as a client sees them."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from domain import links
from domain.links import LinkSubject, fill_template, find_variables
from door.describe import declare_enum_type, declare_input_type, declare_object_type
from schema.context import Info

declare_enum_type(LinkSubject)


@declare_object_type
class Link:
    """Where more is known of a thing."""

    title: str
    """What the experiment calls it."""
    url: str
    """The address, https."""


@declare_object_type
class LinkTemplate:
    """A link that an experiment wants to see with each thing of a kind."""

    subject: LinkSubject
    """With what it is shown."""
    title: str
    """What it is called there."""
    template: str
    """Its address, with variables in braces."""

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "LinkTemplate":
        """Show one that was kept."""
        template = links.LinkTemplate.from_json(kept)
        return cls(subject=template.subject, title=template.title, template=template.template)


@declare_input_type
class LinkTemplateInput:
    """A link to show with each thing of a kind."""

    subject: LinkSubject
    """With what it is shown."""
    title: str
    """What it is called there: up to 100 characters, once for each subject."""
    template: str
    """Its address, with variables in braces: `https://monitor.example.org/jobs?cluster={cluster}`. It begins with
    `https://` and a host. Without a value for one of its variables, there is no link. Of all: `experiment`. Campaigns:
    `campaign` (its number), `campaign_name`. Stages also: `stage`, `stage_name`. Submissions also: `submission`,
    `user` (who launched it), `cluster` (what the batch system calls its first one), `batch_system`, `from`, `to`
    (milliseconds since 1970; `now` while it goes on). Jobs also: `job` (its number), `batch_job` (what the batch
    system calls it). Datasets: `dataset` (its number), `dataset_name`."""


FindValue = Callable[[str], Awaitable[str | int | None]]
"""Finds what a variable is of one thing."""


async def list_links(
    info: Info, experiment_id: int, subject: LinkSubject, find_value: FindValue
) -> list[Link]:
    """The links of one thing; only those variables are looked up that its templates have."""
    experiment = await info.context.load.experiment.load(experiment_id)
    kept = [] if experiment is None else map(links.LinkTemplate.from_json, experiment.links)
    templates = [each for each in kept if each.subject is subject]
    names = {name for each in templates for name in find_variables(each.template)}
    values = await find_values(names, experiment.name if experiment else None, find_value)
    filled = [(each.title, fill_template(each.template, values)) for each in templates]
    return [Link(title=title, url=url) for title, url in filled if url is not None]


async def find_values(
    names: Collection[str], experiment: str | None, find_value: FindValue
) -> dict[str, str | int | None]:
    """What those variables are of one thing; its experiment's name needs no looking up."""
    return {name: experiment if name == "experiment" else await find_value(name) for name in names}


def format_time(at: datetime | None) -> str:
    """Milliseconds since 1970, or `now`: as monitors take them."""
    return "now" if at is None else str(int(at.timestamp() * 1000))
