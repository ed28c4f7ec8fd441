"""Handing over what somebody owns in an experiment."""

from dataclasses import dataclass, replace

from db.people import people
from db.people.people import Person
from db.pool import Connection
from db.submissions import ownership
from db.submissions.ownership import OwnedItem, OwnershipFilter
from domain.changes import Actor
from domain.permissions import Role, check_grants
from door.describe import declare_object_type
from resolvers import tenants
from resolvers.mutations import begin_change, declare_mutation
from resolvers.people.leaving import build_actor, find_person
from schema.context import Info
from schema.ids import node_id, parse_node_id
from schema.problems import Invalid, NotFound, NotPermitted
from schema.submissions.ownership import (
    CannotOwn,
    HandOverInput,
    HandOverItem,
    HandOverReport,
    HandOverResult,
)

MOST_ITEMS = 200
Wrong = NotFound | CannotOwn


@dataclass(frozen=True, slots=True)
class NewOwner:
    """Who gets something, and what they are in its experiment."""

    person: Person
    role: Role

    def may_have(self, item: OwnedItem) -> bool:
        """Whether they may change what will be theirs, or launch what stays another one's."""
        if item.owning_role is None:
            return True
        action = "modify" if item.who == item.owner_id else "launch"
        owns = action == "modify" or item.owner_id == self.person.id
        return check_grants(action, self.role, item.owning_role, owns=owns)


@declare_object_type
class OwnershipMutations:
    """Handing over."""

    @declare_mutation("manage_members")
    async def hand_over(self, info: Info, input: HandOverInput) -> HandOverResult:  # noqa: A002
        """Give all that somebody owns in an experiment, or some items, to a member who may change them.

        Schedules, launches that wait and what follows submissions go with a campaign. Superusers and service
        admins may.
        """
        experiment = await tenants.find_experiment(info, input.experiment, "manage_members", "of")
        if isinstance(experiment, NotFound | NotPermitted):
            return experiment
        by = build_actor(info, input.reason)
        if isinstance(by, Invalid):
            return by
        heir = await _find_heir(info, experiment.id, input.to)
        wanted = await _build_ownership_filter(info, experiment.id, input)
        if not isinstance(heir, NewOwner):
            return heir
        if not isinstance(wanted, OwnershipFilter):
            return wanted
        return await _transfer_items(input, by, heir, wanted)


async def _transfer_items(
    given: HandOverInput, by: Actor, heir: NewOwner, wanted: OwnershipFilter
) -> HandOverReport | Wrong:
    conn = await begin_change()
    if await _is_stranger(conn, wanted):
        return tenants.report_unknown("person", given.from_ or "")
    items = await ownership.list_items(conn, wanted, MOST_ITEMS)
    if wrong := _check_handover(items, heir, wanted):
        return wrong
    total = await ownership.count_items(conn, wanted)
    items = [item for item in items if item.who != heir.person.id]
    if not given.dry_run:
        await ownership.transfer_items(conn, items, heir.person.id, by)
    shown = [HandOverItem.of(item) for item in items]
    return HandOverReport(items=shown, total=total, dry_run=given.dry_run)


async def _find_heir(
    info: Info, experiment_id: int, username: str
) -> NewOwner | NotFound | Invalid:
    row = await find_person(info, username)
    rows = await people.list_memberships(info.context.db, [row.id]) if row else []
    role = next((each.role for each in rows if each.experiment_id == experiment_id), None)
    if row is None or role is None:
        return tenants.report_unknown("member", username)
    if not row.active:
        return Invalid(message=f"{row.username} may not sign in any more.", field="to")
    return NewOwner(row, role)


async def _build_ownership_filter(
    info: Info, experiment_id: int, given: HandOverInput
) -> OwnershipFilter | NotFound | Invalid:
    if given.ids is None and given.from_ is None:
        return Invalid(message="Say which items, or whose: `ids` or `from`.", field="from")
    if given.ids is not None and not 0 < len(given.ids) <= MOST_ITEMS:
        return Invalid(message=f"Name 1 to {MOST_ITEMS} items at once.", field="ids")
    keys = None if given.ids is None else [str(id) for id in given.ids]
    for id in given.ids or ():
        kind = id.partition(":")[0]
        if kind not in ownership.KINDS or parse_node_id(id, kind) is None:
            return tenants.report_unknown("item", id)
    if given.from_ is None:
        return OwnershipFilter(experiment_id, None, keys)
    row = await find_person(info, given.from_)
    if row is None:
        return tenants.report_unknown("person", given.from_)
    if given.from_ == given.to:
        return Invalid(message="It is theirs already.", field="to")
    return OwnershipFilter(experiment_id, row.id, keys)


async def _is_stranger(conn: Connection, wanted: OwnershipFilter) -> bool:
    """Whether who hands over is no member and has nothing here: that there is such a person is nobody's business."""
    if wanted.person_id is None or await people.is_in_experiments(
        conn, wanted.person_id, [wanted.experiment_id]
    ):
        return False
    return not await ownership.count_items(conn, replace(wanted, keys=None))


def _check_handover(
    items: list[OwnedItem], heir: NewOwner, wanted: OwnershipFilter
) -> Wrong | None:
    """Why nothing is handed over, if so."""
    there = {item.key for item in items}
    for key in wanted.keys or ():
        if key not in there:
            return tenants.report_unknown("item", key)
    denied = [item for item in items if not heir.may_have(item)]
    if not denied:
        return None
    roles = ", ".join(sorted({str(item.owning_role) for item in denied}))
    said = (
        f"{heir.person.username} is {heir.role} there, and may not change what {roles} owns ({denied[0].name}"
        f"{f' and {len(denied) - 1} more' if len(denied) > 1 else ''}): name somebody of that role or a superuser, "
        "or give them that role first (`setMembership`)."
    )
    return CannotOwn(message=said, ids=[node_id(item.kind, item.id) for item in denied])
