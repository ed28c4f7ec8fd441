"""Numbers that monitors and accounting know of a thing, as a client sees them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from db.people.summaries import WantedSummary
from domain import summaries
from domain.links import LinkSubject
from domain.summaries import SummarySource
from door.describe import declare_enum_type, declare_input_type, declare_object_type
from schema.context import Info
from schema.people.links import FindValue, find_values

declare_enum_type(SummarySource)


@declare_object_type
class Summary:
    """A number that another system knows of a thing, as of when it was asked. Nothing here is decided by it."""

    title: str
    """What the experiment calls it."""
    unit: str
    """In what it counts, such as `h`; empty: nothing."""
    value: float | None
    """What it was; null: the source knows none, which is not nought, or was not asked yet."""
    asked_at: datetime | None
    """When it was told; null: never yet. Whoever reads an old one has it asked for anew, once for all who read."""
    trouble: str
    """Why there is no newer one, if so."""


@declare_object_type
class SummaryQuery:
    """A number that an experiment wants to see with each thing of a kind."""

    subject: LinkSubject
    """With what it is shown."""
    title: str
    """What it is called there."""
    unit: str
    """In what it counts."""
    source: SummarySource
    """How it is asked for."""
    url: str
    """Of whom."""
    query: str
    """What is asked, with keywords."""
    path: str
    """Where in the answer it stands; empty of Prometheus."""

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "SummaryQuery":
        """Show one that was kept."""
        asked = summaries.SummaryQuery.from_json(kept)
        return cls(**{name: getattr(asked, name) for name in cls.__annotations__})


@declare_input_type
class SummaryQueryInput:
    """A number to show with each thing of a kind."""

    subject: LinkSubject
    """With what it is shown: campaigns, stages or submissions."""
    title: str
    """What it is called there: up to 100 characters, once for each subject."""
    unit: str = ""
    """In what it counts: up to 20 characters."""
    source: SummarySource
    """How it is asked for."""
    url: str
    """Of whom: `https://prometheus.example.org`, `https://gracc.example.org/q/INDEX/_search`. Https, or a host of
    `POMS_CATALOG_HOSTS`; it is asked as nobody."""
    query: str
    """What is asked, with keywords in strings: `sum(jobs{campaign="%(campaign_name)s"})`. The keywords are the
    variables of links (`LinkTemplateInput`); where one has no value, nothing is asked. Of Elasticsearch and GraphQL
    it is the JSON object that is sent."""
    path: str = ""
    """Where in the JSON of an answer the number stands, step by step: `aggregations.hours.value`; not of Prometheus."""


async def list_summaries(
    info: Info, experiment_id: int, subject: LinkSubject, subject_id: int, find_value: FindValue
) -> list[Summary]:
    """What is known of one thing; what is old is asked for anew."""
    experiment = await info.context.load.experiment.load(experiment_id)
    if experiment is None:
        return []
    kept = map(summaries.SummaryQuery.from_json, experiment.summaries)
    asked = [each for each in kept if each.subject is subject]
    names = {name for each in asked for name in each.keywords}
    values = await find_values(names, experiment.name, find_value)
    found = list[Summary]()
    for each in asked:
        query = each.fill(values)
        known = None
        if query is not None:
            wanted = WantedSummary(experiment_id, subject, subject_id, each, query)
            known = await info.context.load.summary.load(wanted)
        found.append(
            Summary(
                title=each.title,
                unit=each.unit,
                value=known.value if known else None,
                asked_at=known.asked_at if known else None,
                trouble=known.trouble if known else "",
            )
        )
    return found
