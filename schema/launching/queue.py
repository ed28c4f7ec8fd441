"""Launch holds, and what launches wait for, as a client sees them."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import strawberry

from db.launching import launch_holds
from db.launching.launch_holds import HoldScope
from db.submissions.submissions import Submission
from domain.launching import queue
from domain.launching.queue import LaunchScope, LaunchWaitKind, LimitUnit
from domain.submissions.submissions import SubmissionState
from door.describe import declare_enum_type, declare_object_type
from door.pages import Node
from schema.context import Info
from schema.fields import declare_query
from schema.ids import node_id
from schema.people.people import Person, load_person
from schema.problems import Invalid, MutationProblem, Problem
from schema.submissions.operating_rights import may_operate

for enum in (LimitUnit, LaunchScope, LaunchWaitKind):
    declare_enum_type(enum)

SCOPES = (LaunchScope.EVERYTHING, LaunchScope.EXPERIMENT, LaunchScope.CAMPAIGN, LaunchScope.STAGE)


@declare_enum_type
class LaunchHoldAction(StrEnum):
    """What can be done to a launch hold."""

    RELEASE = "release"
    """Let launches begin again."""


@declare_object_type
class LaunchHold(Node):
    """Somebody holds launches: they wait, exactly as they were asked for, until it is released."""

    scope: LaunchScope
    """Of how much."""
    name: str
    """Of which stage, campaign or experiment; empty for everything."""
    reason: str
    """Why."""
    held_at: datetime
    """Since when."""
    released_at: datetime | None
    """Until when; null: still."""
    row: strawberry.Private[launch_holds.LaunchHold]

    @classmethod
    def of(cls, row: launch_holds.LaunchHold) -> "LaunchHold":
        """Show a row."""
        depth = sum(key is not None for key in (row.experiment_id, row.campaign_id, row.stage_id))
        return cls(
            id=node_id("launch_hold", row.id),
            scope=SCOPES[depth],
            name=row.name,
            reason=row.reason,
            held_at=row.held_at,
            released_at=row.released_at,
            row=row,
        )

    @declare_query()
    async def held_by(self, info: Info) -> Person:
        """Who did it."""
        return await load_person(info, self.row.held_by)

    @declare_query()
    async def released_by(self, info: Info) -> Person | None:
        """Who released it."""
        return await load_person(info, self.row.released_by) if self.row.released_by else None

    @declare_query()
    async def available_actions(self, info: Info) -> list[LaunchHoldAction]:
        """What you may do to it now."""
        may = self.released_at is None and await may_hold(info, build_held(self.row))
        return [LaunchHoldAction.RELEASE] if may else []


def build_held(row: launch_holds.LaunchHold) -> HoldScope:
    """What a hold holds."""
    return HoldScope(row.experiment_id, row.campaign_id, row.stage_id)


async def may_hold(info: Info, what: HoldScope) -> bool:
    """Whether the viewer may hold and release launches of this: of an experiment superusers, of all admins."""
    if what.campaign_id is None:
        return info.context.allows("operate", what.experiment_id)
    return await may_operate(info, what.campaign_id)


async def list_holds(
    info: Info,
    experiment_id: int | None,
    campaign_id: int | None = None,
    stage_id: int | None = None,
) -> list[LaunchHold]:
    """All holds for which launches of an experiment wait, of a campaign or a stage in it, or (None) of everything."""
    what = HoldScope(experiment_id, campaign_id, stage_id)
    return [LaunchHold.of(row) for row in await info.context.load.holds_of.load(what)]


@declare_object_type
class LaunchLimit:
    """How many there may be at once, and how many there are."""

    scope: LaunchScope
    """Whose limit it is."""
    name: str
    """Of which stage, campaign or experiment."""
    counts: LimitUnit
    """Of what."""
    most: int
    """How many there may be."""
    used: int
    """How many there are."""


@declare_object_type
class LaunchWait:
    """Why a launch has not begun."""

    kind: LaunchWaitKind
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


async def build_launch_wait(info: Info, row: Submission) -> LaunchWait | None:
    """Why a submission has not begun; None for one that has, or was cancelled."""
    if row.state is not SubmissionState.QUEUED:
        return None
    load = info.context.load
    position, facts = await load.position_of.load(row.id), await load.facts_of.load(row.stage_id)
    if position is None or facts is None:
        return None
    launcher = await load.launcher_of.load(row.id)
    approval = await load.missing_approval_of.load(row.id)
    facts = replace(facts, before=position - 1, launcher=launcher, approval=approval)
    found = queue.list_blockers(facts, row.jobs)
    first = found[0] if found else queue.NEXT
    limits = [blocker.limit for blocker in found if blocker.limit]
    return LaunchWait(
        kind=first.kind,
        reason=first.reason,
        reasons=[blocker.reason for blocker in found or [first]],
        since=row.state_since,
        position=position,
        holds=await list_holds(info, row.experiment_id, row.campaign_id, row.stage_id)
        if facts.holds
        else [],
        limits=[LaunchLimit(**{k: getattr(x, k) for k in x.__dataclass_fields__}) for x in limits],
    )


@declare_object_type
class AlreadyHeld(Problem):
    """Launches of this are held already."""

    hold: LaunchHold
    """Since when, and why."""


@declare_object_type
class NotHeld(Problem):
    """The hold was released already."""


HoldLaunchesResult = Annotated[
    LaunchHold | MutationProblem | Invalid | AlreadyHeld,
    strawberry.union("HoldLaunchesResult"),
]
ReleaseLaunchesResult = Annotated[
    LaunchHold | MutationProblem | NotHeld, strawberry.union("ReleaseLaunchesResult")
]
