"""Launch holds, and what launches wait for, as a client sees them."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import strawberry

from db import holds
from db.holds import Held
from db.submissions import Submission
from domain import queue
from domain.queue import Counted, Scope, WaitingKind
from domain.submissions import SubmissionState
from door.describe import choice, thing
from door.pages import Node
from schema.context import Info
from schema.fields import reads
from schema.ids import made
from schema.operating import may_operate
from schema.people import Person, person
from schema.problems import Invalid, NotFound, NotPermitted, Problem

for enum in (Counted, Scope, WaitingKind):
    choice(enum)

SCOPES = (Scope.EVERYTHING, Scope.EXPERIMENT, Scope.CAMPAIGN, Scope.STAGE)


@choice
class LaunchHoldAction(StrEnum):
    """What can be done to a launch hold."""

    RELEASE = "release"
    """Let launches begin again."""


@thing
class LaunchHold(Node):
    """Somebody holds launches: they wait, exactly as they were asked for, until it is released."""

    scope: Scope
    """Of how much."""
    name: str
    """Of which stage, campaign or experiment; empty for everything."""
    reason: str
    """Why."""
    held_at: datetime
    """Since when."""
    released_at: datetime | None
    """Until when; null: still."""
    row: strawberry.Private[holds.LaunchHold]

    @classmethod
    def of(cls, row: holds.LaunchHold) -> "LaunchHold":
        """Show a row."""
        depth = sum(key is not None for key in (row.experiment_id, row.campaign_id, row.stage_id))
        return cls(
            id=made("launch_hold", row.id),
            scope=SCOPES[depth],
            name=row.name,
            reason=row.reason,
            held_at=row.held_at,
            released_at=row.released_at,
            row=row,
        )

    @reads()
    async def held_by(self, info: Info) -> Person:
        """Who did it."""
        return await person(info, self.row.held_by)

    @reads()
    async def released_by(self, info: Info) -> Person | None:
        """Who released it."""
        return await person(info, self.row.released_by) if self.row.released_by else None

    @reads()
    async def available_actions(self, info: Info) -> list[LaunchHoldAction]:
        """What you may do to it now."""
        may = self.released_at is None and await may_hold(info, held(self.row))
        return [LaunchHoldAction.RELEASE] if may else []


def held(row: holds.LaunchHold) -> Held:
    """What a hold holds."""
    return Held(row.experiment_id, row.campaign_id, row.stage_id)


async def may_hold(info: Info, what: Held) -> bool:
    """Whether the viewer may hold and release launches of this: of an experiment superusers, of all admins."""
    if what.campaign_id is None:
        return info.context.allows("operate", what.experiment_id)
    return await may_operate(info, what.campaign_id)


async def holds_of(info: Info, what: Held) -> list[LaunchHold]:
    """All holds for which launches of this wait."""
    return [LaunchHold.of(row) for row in await info.context.load.holds_of.load(what)]


@thing
class LaunchLimit:
    """How many there may be at once, and how many there are."""

    scope: Scope
    """Whose limit it is."""
    name: str
    """Of which stage, campaign or experiment."""
    counts: Counted
    """Of what."""
    most: int
    """How many there may be."""
    used: int
    """How many there are."""


@thing
class Waiting:
    """Why a launch has not begun."""

    kind: WaitingKind
    """What it waits for first."""
    reason: str
    """The same for people."""
    reasons: list[str]
    """All that it waits for."""
    since: datetime
    """Since when it waits."""
    position: int
    """Its place among the launches of its stage that wait; the first is 1."""
    holds: list[LaunchHold]
    """The holds that are in its way."""
    limits: list[LaunchLimit]
    """The limits that are in its way."""


async def waiting(info: Info, row: Submission) -> Waiting | None:
    """Why a submission has not begun; None for one that has, or was cancelled."""
    if row.state is not SubmissionState.QUEUED:
        return None
    load = info.context.load
    position, facts = await load.position_of.load(row.id), await load.facts_of.load(row.stage_id)
    if position is None or facts is None:
        return None
    found = queue.blockers(replace(facts, before=position - 1), row.jobs)
    first = found[0] if found else queue.NEXT
    path = Held(row.experiment_id, row.campaign_id, row.stage_id)
    limits = [blocker.limit for blocker in found if blocker.limit]
    return Waiting(
        kind=first.kind,
        reason=first.reason,
        reasons=[blocker.reason for blocker in found or [first]],
        since=row.state_since,
        position=position,
        holds=await holds_of(info, path) if facts.holds else [],
        limits=[LaunchLimit(**{k: getattr(x, k) for k in x.__dataclass_fields__}) for x in limits],
    )


@thing
class AlreadyHeld(Problem):
    """Launches of this are held already."""

    hold: LaunchHold
    """Since when, and why."""


@thing
class NotHeld(Problem):
    """The hold was released already."""


HoldLaunchesResult = Annotated[
    LaunchHold | NotFound | NotPermitted | Invalid | AlreadyHeld,
    strawberry.union("HoldLaunchesResult"),
]
ReleaseLaunchesResult = Annotated[
    LaunchHold | NotFound | NotPermitted | NotHeld, strawberry.union("ReleaseLaunchesResult")
]
