"""What a request is: what is wanted, in which state it is, and what may become of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain import findings
from domain.findings import Finding, check_length, check_range, make_finding
from domain.launching.queue import check_priority
from domain.names import MOST_NAME, check_name, check_text

MOST_ASKS, MOST_KEPT, MOST_PURPOSE, MOST_DAYS = 50, 200, 100_000, 36_500
MOST_ASKED_EVENTS = 10**15
MOST_HOURS, MOST_STORAGE = 10**12, 10**18


class RequestState(StrEnum):
    """Where a request is."""

    DRAFT = "draft"
    """It is being written; nobody else need look at it."""
    SUBMITTED = "submitted"
    """It waits for those who have to agree."""
    RETURNED = "returned"
    """Something is to be changed before anybody agrees."""
    REJECTED = "rejected"
    """It will not be done."""
    CONSOLIDATED = "consolidated"
    """It became part of another request."""
    APPROVED = "approved"
    """Everybody who has to agree has agreed."""
    ASSIGNED = "assigned"
    """Somebody is to run it."""
    RUNNING = "running"
    """Its campaign has launched something."""
    DONE = "done"
    """What was wanted is there."""
    CANCELLED = "cancelled"
    """Nobody wants it any more."""
    ARCHIVED = "archived"
    """It is over, and is not shown unless somebody asks for it."""

    @property
    def is_over(self) -> bool:
        """Nothing of it can be changed, and it is not done any more."""
        return self not in OPEN


OPEN = frozenset(
    {
        RequestState.DRAFT,
        RequestState.SUBMITTED,
        RequestState.RETURNED,
        RequestState.APPROVED,
        RequestState.ASSIGNED,
        RequestState.RUNNING,
    }
)
"""States in which its content may be changed, and in which it may be cancelled."""

DECIDABLE = (
    RequestState.SUBMITTED,
    RequestState.APPROVED,
    RequestState.ASSIGNED,
    RequestState.RUNNING,
)
"""States in which somebody may still have to agree: of what runs, too, where it has changed."""

_DECIDED = frozenset({RequestState.RETURNED, RequestState.REJECTED, RequestState.CONSOLIDATED})
REQUEST_TRANSITIONS: Mapping[RequestState, frozenset[RequestState]] = {
    RequestState.DRAFT: frozenset({RequestState.SUBMITTED, RequestState.CANCELLED}),
    RequestState.RETURNED: frozenset({RequestState.SUBMITTED, RequestState.CANCELLED}),
    RequestState.SUBMITTED: _DECIDED | {RequestState.APPROVED, RequestState.CANCELLED},
    RequestState.APPROVED: _DECIDED
    | {
        RequestState.SUBMITTED,
        RequestState.ASSIGNED,
        RequestState.RUNNING,
        RequestState.CANCELLED,
    },
    RequestState.ASSIGNED: _DECIDED
    | {
        RequestState.SUBMITTED,
        RequestState.APPROVED,
        RequestState.RUNNING,
        RequestState.CANCELLED,
    },
    RequestState.RUNNING: frozenset({RequestState.DONE, RequestState.CANCELLED}),
    RequestState.DONE: frozenset({RequestState.ARCHIVED}),
    RequestState.CANCELLED: frozenset({RequestState.ARCHIVED}),
    RequestState.REJECTED: frozenset({RequestState.ARCHIVED}),
    RequestState.CONSOLIDATED: frozenset({RequestState.ARCHIVED}),
    RequestState.ARCHIVED: frozenset(),
}
"""What a request may become; the database refuses any other move. One that is approved is submitted again where a
change of it needs agreement anew; one that runs stays so, and its launches wait for it."""


class RequestDecisionKind(StrEnum):
    """What somebody decides on a request."""

    APPROVE = "approve"
    """They agree to it as it is."""
    RETURN = "return"
    """Something is to be changed before."""
    REJECT = "reject"
    """It will not be done."""


class AskKind(StrEnum):
    """What is wanted."""

    DATASET = "dataset"
    """A dataset is to be processed."""
    EVENTS = "events"
    """So many events are to be generated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOutput:
    """Outputs of a stage that are to be kept."""

    stage: str
    days: int | None = None
    """How long; None: for ever."""
    place: str = ""
    """Where; empty: where the campaign puts them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One thing that is wanted."""

    kind: AskKind
    dataset: str | None = None
    files: int | None = None
    """How many files the dataset had when it was asked for; who asks doesn't say it."""
    events: int | None = None
    software_version: str = ""
    parameters: Sequence[Sequence[str]] = ()
    keep: Sequence[KeptOutput] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContent:
    """What somebody writes into a request."""

    title: str
    purpose: str = ""
    """In Markdown."""
    physics_group: str = ""
    priority: int = 0
    """The wanted one."""
    needed_by: datetime | None = None
    cpu_hours: float | None = None
    """How much it is expected to take; None: nobody knows."""
    storage_bytes: int | None = None
    asks: Sequence[Ask] = field(default_factory=tuple)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "RequestContent":
        """As it is stored."""
        day = stored.get("needed_by")
        asks = [
            Ask(
                **{
                    **ask,
                    "kind": AskKind(ask["kind"]),
                    "keep": tuple(KeptOutput(**kept) for kept in ask.get("keep", ())),
                }
            )
            for ask in stored.get("asks", ())
        ]
        read = {"needed_by": datetime.fromisoformat(day) if day else None, "asks": tuple(asks)}
        return cls(**{**stored, **read})

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        day = self.needed_by.isoformat() if self.needed_by else None
        return {**asdict(self), "needed_by": day}


def check_content(content: RequestContent) -> Iterator[Finding]:
    """Everything that is wrong with the content of a request, draft or not."""
    yield from make_finding("title", check_text(content.title, MOST_NAME))
    if not content.title.strip():
        yield Finding("title", "A request has a title.")
    yield from make_finding("purpose", check_text(content.purpose, MOST_PURPOSE))
    if content.physics_group:
        yield from make_finding("physicsGroup", check_name(content.physics_group))
    yield from make_finding("priority", check_priority(content.priority))
    for name, number, most in (
        ("cpuHours", content.cpu_hours, MOST_HOURS),
        ("storageBytes", content.storage_bytes, MOST_STORAGE),
    ):
        if number is not None and not 0 <= number <= most:
            yield Finding(name, f"This is a number from 0 to {most}, not {number}.")
    yield from check_length("asks", content.asks, MOST_ASKS)
    for n, ask in enumerate(content.asks[:MOST_ASKS]):
        yield from _check_ask(f"asks[{n}]", ask)


def _check_ask(at: str, ask: Ask) -> Iterator[Finding]:
    if ask.kind is AskKind.DATASET and not ask.dataset:
        yield Finding(f"{at}.dataset", "Which dataset is to be processed?")
    if ask.kind is AskKind.EVENTS and not ask.events:
        yield Finding(f"{at}.events", "How many events are to be generated?")
    if ask.dataset and ask.kind is AskKind.EVENTS:
        yield Finding(
            f"{at}.dataset", "Events are generated from no dataset: ask for one or the other."
        )
    yield from check_range(f"{at}.events", ask.events, 1, MOST_ASKED_EVENTS)
    yield from make_finding(f"{at}.softwareVersion", check_text(ask.software_version, 200))
    yield from findings.check_pairs(f"{at}.parameters", ask.parameters)
    yield from check_length(f"{at}.keep", ask.keep, MOST_KEPT)
    for n, kept in enumerate(ask.keep[:MOST_KEPT]):
        yield from make_finding(f"{at}.keep[{n}].stage", check_name(kept.stage))
        yield from make_finding(f"{at}.keep[{n}].place", check_text(kept.place, 1000))
        yield from check_range(f"{at}.keep[{n}].days", kept.days, 1, MOST_DAYS)


def check_submittable(content: RequestContent, *, is_planned: bool) -> Iterator[Finding]:
    """What is still missing before others look at it."""
    if not content.asks:
        yield Finding("asks", "Say what is wanted: a dataset to be processed, or events.")
    if not content.purpose.strip():
        yield Finding("purpose", "Say what it is for: who decides has nothing else to go by.")
    if not is_planned:
        yield Finding("campaign", "Say how it would run: name the campaign that is its plan.")
