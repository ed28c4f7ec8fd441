"""Links to what knows more of something: an experiment's templates, filled with what the thing is called elsewhere."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from string import Formatter
from typing import Any
from urllib.parse import quote, urlsplit

from domain.findings import Finding, make_finding
from domain.names import check_name, check_text

MOST_LINKS, MOST_URL = 50, 2_000


class LinkSubject(StrEnum):
    """What a link is shown with."""

    CAMPAIGN = "campaign"
    """Campaigns."""
    STAGE = "stage"
    """Stages of campaigns."""
    SUBMISSION = "submission"
    """Submissions."""
    JOB = "job"
    """Jobs of submissions."""
    DATASET = "dataset"
    """Datasets."""


EVERYWHERE = ("experiment",)
OF_CAMPAIGN = ("campaign", "campaign_name")
OF_STAGE = (*OF_CAMPAIGN, "stage", "stage_name")
OF_SUBMISSION = (*OF_STAGE, "submission", "user", "cluster", "batch_system", "from", "to")
VARIABLES: Mapping[LinkSubject, tuple[str, ...]] = {
    LinkSubject.CAMPAIGN: EVERYWHERE + OF_CAMPAIGN,
    LinkSubject.STAGE: EVERYWHERE + OF_STAGE,
    LinkSubject.SUBMISSION: EVERYWHERE + OF_SUBMISSION,
    LinkSubject.JOB: (*EVERYWHERE, *OF_SUBMISSION, "job", "batch_job"),
    LinkSubject.DATASET: (*EVERYWHERE, "dataset", "dataset_name"),
}
"""Which variables there are of each; `LinkTemplateInput` of the API says what they are."""
HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class LinkTemplate:
    """A link that an experiment wants to see with each thing of a kind."""

    subject: LinkSubject
    title: str
    template: str
    """An address with variables in braces: `https://monitor.example.org/jobs?cluster={cluster}`."""

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "LinkTemplate":
        """Read one that was kept."""
        return cls(LinkSubject(kept["subject"]), kept["title"], kept["template"])


def find_variables(template: str) -> list[str]:
    """The variables of a template, in its order; raises ValueError where its braces are none of a variable."""
    found = []
    for _, name, form, conversion in Formatter().parse(template):
        if name is not None:
            if form or conversion:
                raise ValueError(name)
            found.append(name)
    return found


def fill_template(template: str, values: Mapping[str, str | int | None]) -> str | None:
    """The address, with each value percent-encoded; None where a value isn't known."""
    if any(values.get(name) is None for name in find_variables(template)):
        return None
    encoded = {name: quote(str(value), safe="") for name, value in values.items()}
    return template.format_map(encoded)


def check_links(links: Sequence[LinkTemplate]) -> Iterator[Finding]:
    """Everything that is wrong with an experiment's links."""
    if len(links) > MOST_LINKS:
        yield Finding("links", f"An experiment has at most {MOST_LINKS} links.")
    seen = set[tuple[LinkSubject, str]]()
    for n, link in enumerate(links[:MOST_LINKS]):
        yield from make_finding(f"links[{n}].title", check_name(link.title))
        if (link.subject, link.title) in seen:
            yield Finding(f"links[{n}].title", f"{link.title[:100]!r} is there more than once.")
        seen.add((link.subject, link.title))
        yield from make_finding(f"links[{n}].template", _check_template(link))


def _check_template(link: LinkTemplate) -> str | None:
    text = link.template
    if said := check_text(text, MOST_URL):
        return said
    if any(c.isspace() or not c.isprintable() for c in text):
        return "An address has no blanks and no control characters."
    try:
        names = find_variables(text)
        parts = urlsplit(text)
    except ValueError:
        return "This is written like https://monitor.example.org/jobs?cluster={cluster}."
    known = VARIABLES[link.subject]
    if wrong := [name for name in names if name not in known]:
        return f"There is no {{{wrong[0][:50]}}} of a {link.subject}, but {', '.join(known)}."
    if parts.scheme != "https" or not HOST.fullmatch(parts.netloc):
        return "It begins with https:// and the name of a host, without variables or a user's name."
    return None
