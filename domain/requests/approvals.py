"""Whether what is to be launched was agreed to: rules, what there is now, and what people have decided on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.permissions import Role
from domain.requests.approval_rules import ApprovalRule, ApprovalSubject, is_rule_applicable
from domain.requests.plan_parts import PartHashes, RequestPart


class ApprovalVerdict(StrEnum):
    """Whether launches may begin."""

    FREE = "free"
    """Nobody has to agree."""
    GRANTED = "granted"
    """All who have to agree have agreed."""
    WAITING = "waiting"
    """Somebody has still to agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Somebody has agreed to parts as they were, and has not taken it back."""

    decision_id: int
    username: str
    role: Role | None
    """What they were in the experiment when they decided."""
    behalf_of: str | None
    """For whom they decided, as whose delegate; what counts is what that person may."""
    behalf_role: Role | None
    hashes: PartHashes
    at: datetime

    @property
    def decider(self) -> str:
        """Whose agreement it is."""
        return self.behalf_of or self.username

    @property
    def people(self) -> frozenset[str]:
        """Who took part in it."""
        return frozenset({self.username, self.decider})

    def counts_for(self, rule: ApprovalRule, now: PartHashes, authors: frozenset[str]) -> bool:
        """Whether it is what a rule wants, of what there is now."""
        role = self.behalf_role if self.behalf_of else self.role
        own = self.people & authors
        return (
            rule.may_decide(self.decider, role)
            and (rule.may_approve_own or not own)
            and all(self.hashes.get(part) == now[part] for part in rule.covers)
        )

    def expires_at(self, rule: ApprovalRule) -> datetime | None:
        """Until when it counts; None: for ever."""
        days = rule.expires_after_days
        return None if days is None else self.at + timedelta(days=days)


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingAgreement:
    """A rule that has not as many agreements as it wants."""

    rule: str
    step: int
    who: str
    needed: int
    given: int
    by: Sequence[str]
    """Who has agreed."""
    is_turn: bool
    """Nobody of a lower step is waited for."""
    voided: Sequence[RequestPart] = ()
    """What has changed since somebody agreed."""
    roles: Sequence[Role] = ()
    """Who is asked: everybody in these roles, and these people; but not the barred ones."""
    people: Sequence[str] = ()
    barred: Sequence[str] = ()
    """Who has agreed already, or would agree to their own."""

    @property
    def reason(self) -> str:
        """In words."""
        given = f" ({self.given} of {self.needed} have)" if self.needed > 1 else ""
        changed = ", ".join(self.voided)
        since = f"; since they did, this has changed: {changed}" if changed else ""
        later = "" if self.is_turn else ", once those before have"
        return f"{self.who} has to agree{later} (rule {self.rule!r}){given}{since}."


@dataclass(frozen=True, slots=True)
class ApprovalDecided:
    """Whether launches of one class may begin, until when, and what is missing."""

    verdict: ApprovalVerdict
    until: datetime | None = None
    """When the first of the agreements that it takes expires; None: never."""
    missing: Sequence[MissingAgreement] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalFacts:
    """All that decides whether something was agreed to."""

    rules: Sequence[ApprovalRule]
    subject: ApprovalSubject
    hashes: PartHashes
    """Of the parts as they are now."""
    signatures: Sequence[Signature]
    authors: frozenset[str]
    """Who has written what is to be agreed to."""
    now: datetime


def decide_approval(facts: ApprovalFacts, *, is_test: bool) -> ApprovalDecided:
    """Whether launches may begin by all the rules."""
    rules = [
        rule for rule in facts.rules if is_rule_applicable(rule, facts.subject, is_test=is_test)
    ]
    if not rules:
        return ApprovalDecided(ApprovalVerdict.FREE)
    counted = {rule.name: _count_signatures(rule, facts) for rule in rules}
    missing = [rule for rule in rules if len(counted[rule.name]) < rule.number]
    if not missing:
        until = (_find_end(rule, counted[rule.name]) for rule in rules)
        return ApprovalDecided(ApprovalVerdict.GRANTED, min(filter(None, until), default=None))
    turn = min(rule.step for rule in missing)
    described = [
        _describe_missing(rule, counted[rule.name], facts, is_turn=rule.step == turn)
        for rule in sorted(missing, key=lambda rule: rule.step)
    ]
    return ApprovalDecided(ApprovalVerdict.WAITING, missing=described)


def _count_signatures(rule: ApprovalRule, facts: ApprovalFacts) -> dict[str, Signature]:
    """The newest agreement of each person that counts now; a delegate is not a second person."""
    newest: dict[tuple[str, str], Signature] = {}
    for signature in sorted(facts.signatures, key=lambda each: each.at):
        end = signature.expires_at(rule)
        is_over = end is not None and end <= facts.now
        if not is_over and signature.counts_for(rule, facts.hashes, facts.authors):
            newest[signature.decider, signature.username] = signature
    found: dict[str, Signature] = {}
    signed: set[str] = set()
    for signature in newest.values():
        if not signature.people & signed:
            found[signature.decider] = signature
            signed |= signature.people
    return found


def _find_end(rule: ApprovalRule, counted: dict[str, Signature]) -> datetime | None:
    """When fewer than are needed will count."""
    ends = sorted(
        (end for each in counted.values() if (end := each.expires_at(rule))), reverse=True
    )
    return ends[rule.number - 1] if ends else None


def _describe_missing(
    rule: ApprovalRule, counted: dict[str, Signature], facts: ApprovalFacts, *, is_turn: bool
) -> MissingAgreement:
    signed = frozenset[str]().union(*(each.people for each in counted.values()))
    return MissingAgreement(
        rule=rule.name,
        step=rule.step,
        who=rule.who,
        needed=rule.number,
        given=len(counted),
        by=sorted(counted),
        is_turn=is_turn,
        voided=_list_voided(rule, facts),
        roles=list(rule.roles),
        people=list(rule.people),
        barred=sorted(signed | (frozenset() if rule.may_approve_own else facts.authors)),
    )


def _list_voided(rule: ApprovalRule, facts: ApprovalFacts) -> list[RequestPart]:
    """What has changed of what those agreed to last who would count otherwise."""
    changed: set[RequestPart] = set()
    for signature in _list_newest(facts.signatures):
        if signature.counts_for(rule, signature.hashes, facts.authors):
            changed |= {
                part for part in rule.covers if signature.hashes.get(part) != facts.hashes[part]
            }
    return [part for part in RequestPart if part in changed]


def _list_newest(signatures: Iterable[Signature]) -> list[Signature]:
    """The last agreement of each person."""
    return list({each.decider: each for each in sorted(signatures, key=lambda s: s.at)}.values())


def list_open_rules(
    facts: ApprovalFacts, people: frozenset[str], decider: str, role: Role | None
) -> list[ApprovalRule]:
    """The rules by which it is somebody's turn to decide who is in that role; `people` are they, and their delegate."""
    missing = {
        each.rule
        for is_test in (False, True)
        for each in decide_approval(facts, is_test=is_test).missing
        if each.is_turn
    }
    return [
        rule
        for rule in facts.rules
        if rule.name in missing
        and rule.may_decide(decider, role)
        and (rule.may_approve_own or not people & facts.authors)
        and not any(people & each.people for each in _count_signatures(rule, facts).values())
    ]
