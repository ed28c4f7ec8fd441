"""Numbers that other systems know of our things: what an experiment wants asked of its monitors and accounting.

Kept with their age, and never what anything is decided by.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import isfinite
from typing import Any

from domain.findings import Finding, make_finding
from domain.links import VARIABLES, LinkSubject
from domain.names import check_name, check_text

MOST_SUMMARIES, MOST_QUERY, MOST_PATH, MOST_UNIT = 20, 10_000, 500, 20
KEYWORD = re.compile(r"%\((?P<name>\w+)\)s")
SUBJECTS = (LinkSubject.CAMPAIGN, LinkSubject.STAGE, LinkSubject.SUBMISSION)
"""Of what there may be any."""


class SummarySource(StrEnum):
    """How a source is asked."""

    PROMETHEUS = "prometheus"
    """Prometheus: an expression that yields one number."""
    ELASTICSEARCH = "elasticsearch"
    """Elasticsearch, as GRACC has it: a search, sent to an address that ends in `_search`."""
    GRAPHQL = "graphql"
    """GraphQL, as LENS has it: the JSON that is sent, with `query` and `variables`."""


FRESH: Mapping[SummarySource, timedelta] = {
    SummarySource.PROMETHEUS: timedelta(minutes=1),
    SummarySource.ELASTICSEARCH: timedelta(hours=1),
    SummarySource.GRAPHQL: timedelta(minutes=1),
}
"""How old a number may be before it is asked for again: accounting knows of a day on the next."""


class SummaryUnreadable(Exception):
    """An answer has no such number: what is asked for has to be changed."""


class SummaryPartial(Exception):
    """An answer is not whole: it is asked again."""


@dataclass(frozen=True, slots=True)
class SummaryQuery:
    """A number that an experiment wants to see with each thing of a kind."""

    subject: LinkSubject
    title: str
    unit: str
    source: SummarySource
    url: str
    query: str
    """With keywords: `sum(jobs{campaign="%(campaign_name)s"})`."""
    path: str = ""
    """Where in an answer that is JSON the number stands, step by step: `aggregations.hours.value`."""

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "SummaryQuery":
        """Read one that was kept."""
        source = SummarySource(kept["source"])
        return cls(**{**kept, "subject": LinkSubject(kept["subject"]), "source": source})

    @property
    def keywords(self) -> set[str]:
        """What it wants to know of a thing."""
        return {found["name"] for found in KEYWORD.finditer(self.query)}

    def fill(self, values: Mapping[str, str | int | None]) -> str | None:
        """The query of one thing; None where one of its keywords has no value.

        A value can't end the string that it stands in, in PromQL as in JSON.
        """
        if any(values.get(name) is None for name in self.keywords):
            return None
        return KEYWORD.sub(lambda found: json.dumps(str(values[found["name"]]))[1:-1], self.query)


def check_summaries(asked: Sequence[SummaryQuery]) -> Iterator[Finding]:
    """Everything that is wrong with what an experiment wants asked; its addresses apart."""
    if len(asked) > MOST_SUMMARIES:
        yield Finding("summaries", f"An experiment has at most {MOST_SUMMARIES} summaries.")
    seen = set[tuple[LinkSubject, str]]()
    for n, each in enumerate(asked[:MOST_SUMMARIES]):
        at = f"summaries[{n}]"
        yield from make_finding(f"{at}.title", check_name(each.title))
        if (each.subject, each.title) in seen:
            yield Finding(f"{at}.title", f"{each.title[:100]!r} is there more than once.")
        seen.add((each.subject, each.title))
        if each.subject not in SUBJECTS:
            yield Finding(f"{at}.subject", f"There are summaries of {', '.join(SUBJECTS)}.")
        yield from make_finding(f"{at}.unit", check_text(each.unit, MOST_UNIT))
        yield from make_finding(f"{at}.query", _check_query(each))
        yield from make_finding(f"{at}.path", _check_path(each))


def _check_query(asked: SummaryQuery) -> str | None:
    if not asked.query.strip():
        return "Say what is asked."
    if said := check_text(asked.query, MOST_QUERY):
        return said
    known = VARIABLES[asked.subject]
    if wrong := sorted(asked.keywords.difference(known)):
        return f"There is no %({wrong[0][:50]})s of a {asked.subject}, but {', '.join(known)}."
    if asked.source is SummarySource.PROMETHEUS:
        return None
    try:
        is_object = isinstance(json.loads(KEYWORD.sub("0", asked.query)), dict)
    except ValueError as error:
        return f"This is no JSON: {error}."
    return None if is_object else "What is sent is a JSON object."


def _check_path(asked: SummaryQuery) -> str | None:
    if asked.source is SummarySource.PROMETHEUS:
        return "An answer of Prometheus is the number." if asked.path else None
    if not asked.path:
        return "Say where in the answer the number stands: aggregations.hours.value."
    return check_text(asked.path, MOST_PATH)


def read_answer(source: SummarySource, path: str, answer: Any) -> float | None:
    """The number in an answer, which is JSON; None: the source knows none, which is not nought."""
    if source is SummarySource.PROMETHEUS:
        return _read_prometheus(answer)
    if source is SummarySource.ELASTICSEARCH:
        shards = answer.get("_shards", {}) if isinstance(answer, dict) else {}
        if not isinstance(answer, dict) or answer.get("timed_out") or shards.get("failed"):
            raise SummaryPartial("Elasticsearch has answered with a part only.")
    elif isinstance(answer, dict) and answer.get("errors"):
        # LENS sends noughts beside them.
        said = json.dumps(answer["errors"])[:200]
        raise SummaryUnreadable(f"The answer has errors: {said}")
    return _read_number(_follow_path(answer, path))


def _follow_path(answer: Any, path: str) -> Any:
    found = answer
    for step in path.split("."):
        if isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        elif isinstance(found, dict) and step in found:
            found = found[step]
        elif found is None or found == []:
            return None
        else:
            raise SummaryUnreadable(f"The answer has no {step[:50]!r} of {path!r}.")
    return found


def _read_prometheus(answer: Any) -> float | None:
    try:
        kind, result = answer["data"]["resultType"], answer["data"]["result"]
        if kind == "scalar":
            return _read_number(result[1])
        if kind == "vector" and len(result) < 2:
            return _read_number(result[0]["value"][1]) if result else None
    except (KeyError, TypeError, IndexError) as error:
        raise SummaryUnreadable("This is no answer of Prometheus.") from error
    raise SummaryUnreadable(
        f"The expression yields {len(result)} numbers: let it add them up, by sum(…) for one."
        if kind == "vector"
        else f"The expression yields a {kind}, not one number."
    )


def _read_number(value: Any) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise SummaryUnreadable(f"{str(value)[:100]!r} is no number.") from error
    return number if isfinite(number) else None
