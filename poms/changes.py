"""What every change says, also one of a kind that this client doesn't know."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Protocol, get_args

from poms.generated.enums import ChangeKind, ServicePart
from poms.generated.watch_changes import WatchChanges


class ActingPerson(Protocol):
    """Somebody who did something."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def username(self) -> str: ...  # noqa: D102


class Change(Protocol):
    """One thing that happened: when, by whom, and why."""

    @property
    def cursor(self) -> str:
        """Give it as `after` to go on behind this change."""

    @property
    def kind(self) -> ChangeKind | None:
        """What happened; None: something that this client or its server does not know."""

    @property
    def at(self) -> datetime:
        """When."""

    @property
    def actor(self) -> ActingPerson | None:
        """Who did it; None: the service by itself."""

    @property
    def part(self) -> ServicePart | None:
        """The part of the service that did it."""

    @property
    def reason(self) -> str:
        """Why; empty where nobody has said it."""

    @property
    def experiment_id(self) -> str | None: ...  # noqa: D102
    @property
    def campaign_id(self) -> str | None: ...  # noqa: D102
    @property
    def submission_id(self) -> str | None: ...  # noqa: D102
    @property
    def subject_id(self) -> str | None:
        """What it happened to."""


TYPES = {
    name
    for kind in get_args(WatchChanges.model_fields["changes"].annotation)
    for name in get_args(kind.model_fields["typename__"].annotation)
}
OTHER = "OtherChange"


def make_readable(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item of `changes` in words of this client: what it doesn't know is null, or a change without more to say."""
    known = dict(item)
    if "kind" not in item:
        return known
    if item["__typename"] not in TYPES:
        known["__typename"] = OTHER
    known["kind"] = _find_word(ChangeKind, item["kind"])
    known["part"] = _find_word(ServicePart, item["part"])
    return known


def _find_word(words: type[Enum], text: str | None) -> str | None:
    return text if text in words.__members__ else None
