"""Deciding on requests: agreeing, taking that back, returning and rejecting."""

import strawberry

from db.pool import Connection
from db.requests import approvals, decisions, delegations, requests
from db.requests.decisions import Decider
from domain.changes import Actor
from domain.names import check_reason, check_text
from domain.requests.approval_rules import ApprovalRule, is_rule_applicable
from domain.requests.approvals import ApprovalFacts, list_open_rules
from domain.requests.plan_parts import RequestPart, hash_request, list_changed_parts
from domain.requests.requests import DECIDABLE, RequestDecisionKind, RequestState
from door.describe import declare_object_type
from resolvers import tenants
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nouns import REQUEST, find_visible
from schema.context import Info
from schema.ids import parse_node_id
from schema.problems import Invalid, NotFound, NotPermitted
from schema.requests.decisions import (
    ApproveRequestInput,
    ApproveRequestResult,
    MissingAgreement,
    NotAskedToDecide,
    RefuseRequestResult,
    RequestChanged,
    WithdrawDecisionResult,
)
from schema.requests.requests import Request, WrongRequestState

REFUSABLE = (RequestState.SUBMITTED, RequestState.APPROVED, RequestState.ASSIGNED)


@declare_object_type
class DecisionMutations:
    """Deciding on requests."""

    @declare_mutation("decide")
    async def approve_request(
        self,
        info: Info,
        input: ApproveRequestInput,  # noqa: A002
    ) -> ApproveRequestResult:
        """Agree to a request as you have seen it: it counts for the parts that the rules want your word on, as long
        as they stay so. Who has asked or planned may not, unless a rule says so."""
        seen = await find_visible(info, REQUEST, input.id)
        if isinstance(seen, NotFound):
            return seen
        if said := check_text(input.comment, 1000):
            return Invalid(message=said, field="comment")
        conn = await begin_change()
        row, facts = await approvals.read_request(conn, await requests.lock(conn, seen.id))
        if row.state not in DECIDABLE:
            return _report_undecidable(row, "approved")
        by = await _find_decider(info, conn, row, input.behalf_of)
        if isinstance(by, Invalid):
            return by
        if input.plan_hash != hash_request(facts.hashes):
            return await _report_changed(conn, row, input.plan_hash, facts)
        who = input.behalf_of or info.context.viewer.username
        role = by.behalf_role if input.behalf_of else by.role
        people = frozenset({who, info.context.viewer.username})
        open_rules = list_open_rules(facts, people, who, role)
        if not open_rules:
            return _report_not_asked(row)
        parts = {part for rule in open_rules for part in rule.covers}
        hashes = {part.value: facts.hashes[part] for part in RequestPart if part in parts}
        await decisions.add_agreement(conn, row.id, by, hashes, input.comment)
        return Request.of(await approvals.look_at_request(conn, row))

    @declare_mutation("decide")
    async def withdraw_decision(
        self, info: Info, id: strawberry.ID, reason: str
    ) -> WithdrawDecisionResult:
        """Take your agreement back: what needs it launches nothing more. What was launched goes on."""
        key = parse_node_id(id, "request_decision")
        found = [] if key is None else await decisions.find_by_ids(info.context.db, [key])
        seen = await info.context.load.request.load(found[0].request_id) if found else None
        if seen is None or not info.context.allows("view", seen.experiment_id):
            return tenants.report_unknown("decision", id)
        if found[0].person_id != info.context.viewer.person_id:
            return NotPermitted(message="Who has decided takes it back.", action="withdraw")
        if said := check_reason(reason):
            return Invalid(message=said, field="reason")
        conn = await begin_change()
        row = await requests.lock(conn, seen.id)
        gone = await decisions.retract_agreement(
            conn, found[0].id, info.context.viewer.person_id, reason
        )
        if gone is None:
            return _report_undecidable(
                row, "changed: that decision is no agreement that still counts"
            )
        return Request.of(await approvals.look_at_request(conn, row))

    @declare_mutation("decide")
    async def return_request(
        self,
        info: Info,
        id: strawberry.ID,
        reason: str,
    ) -> RefuseRequestResult:
        """Have a request changed before anybody agrees. Whoever a rule of it asks may, and superusers."""
        return await _refuse_request(info, id, reason, RequestDecisionKind.RETURN)

    @declare_mutation("decide")
    async def reject_request(
        self,
        info: Info,
        id: strawberry.ID,
        reason: str,
    ) -> RefuseRequestResult:
        """Say that a request will not be done. Whoever a rule of it asks may, and superusers."""
        return await _refuse_request(info, id, reason, RequestDecisionKind.REJECT)


async def _refuse_request(
    info: Info, id: strawberry.ID, reason: str, kind: RequestDecisionKind
) -> RefuseRequestResult:
    seen = await find_visible(info, REQUEST, id)
    if isinstance(seen, NotFound):
        return seen
    if said := check_reason(reason):
        return Invalid(message=said, field="reason")
    conn = await begin_change()
    row, facts = await approvals.read_request(conn, await requests.lock(conn, seen.id))
    if row.state not in REFUSABLE:
        return _report_undecidable(row, "returned or rejected")
    viewer = info.context.viewer
    role = viewer.roles.get(row.experiment_id)
    asked = any(rule.may_decide(viewer.username, role) for rule in _list_applicable(facts))
    if not asked and not info.context.allows("manage_members", row.experiment_id):
        return _report_not_asked(row)
    is_return = kind is RequestDecisionKind.RETURN
    new = RequestState.RETURNED if is_return else RequestState.REJECTED
    await decisions.add_refusal(conn, row.id, Decider(viewer.person_id, role), kind, reason)
    by = Actor(viewer.person_id, reason)
    moved = await requests.move_state(conn, row.id, [row.state], new, by)
    return Request.of(await approvals.look_at_request(conn, moved or row))


def _list_applicable(facts: ApprovalFacts) -> list[ApprovalRule]:
    return [
        rule
        for rule in facts.rules
        if any(
            is_rule_applicable(rule, facts.subject, is_test=is_test) for is_test in (False, True)
        )
    ]


async def _find_decider(
    info: Info, conn: Connection, row: requests.Request, behalf_of: str | None
) -> Decider | Invalid:
    """As what the viewer decides, and for whom."""
    viewer = info.context.viewer
    role = viewer.roles.get(row.experiment_id)
    if behalf_of is None:
        return Decider(viewer.person_id, role)
    if check_text(behalf_of, 100):
        found = None
    else:
        found = await delegations.find_active(conn, row.experiment_id, viewer.person_id, behalf_of)
    if found is None:
        said = f"You are nobody's delegate now who is called {behalf_of[:100]!r}."
        return Invalid(message=said, field="behalfOf")
    return Decider(viewer.person_id, role, found.person_id, found.role)


async def _report_changed(
    conn: Connection, row: requests.Request, seen: str, facts: ApprovalFacts
) -> RequestChanged:
    """That a request is not what somebody has seen, and in which parts."""
    changed: list[RequestPart] = []
    for revision in await requests.list_revisions(conn, row.id, None, 100):
        hashes = {RequestPart(part): found for part, found in revision.hashes.items()}
        if hash_request(hashes) == seen:
            changed = list_changed_parts(hashes, facts.hashes)
            break
    named = ", ".join(changed) or "something"
    said = f"The request is not as you saw it: {named} has changed. Look at it again."
    return RequestChanged(message=said, plan_hash=hash_request(facts.hashes), changed=changed)


def _report_not_asked(row: requests.Request) -> NotAskedToDecide:
    waiting = [MissingAgreement.of(each) for each in row.missing]
    said = "No rule asks you now."
    if waiting:
        said += f" {waiting[0].reason}"
    return NotAskedToDecide(message=said, waiting_on=waiting)


def _report_undecidable(row: requests.Request, what: str) -> WrongRequestState:
    return WrongRequestState(
        message=f"A request that is {row.state} can't be {what}.", state=row.state
    )
