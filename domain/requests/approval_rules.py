"""Who has to agree before something is launched: rules that an experiment sets, as data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from domain.campaigns.stages import StageKind
from domain.findings import (
    Finding,
    check_duplicates,
    check_length,
    check_patterns,
    check_range,
    make_finding,
)
from domain.launching.queue import MOST_PRIORITY
from domain.names import check_name
from domain.permissions import Role
from domain.requests.plan_parts import UNKNOWN_COST, PlanCost, RequestPart
from domain.requests.requests import MOST_HOURS, MOST_STORAGE

MOST_RULES, MOST_WHO, MOST_NUMBER, MOST_STEP, MOST_EXPIRY_DAYS = 50, 50, 20, 20, 3_650


class LaunchClass(StrEnum):
    """Which launches a rule is about."""

    PRODUCTION = "production"
    TEST = "test"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRule:
    """When somebody has to agree, and who. All that is said of `when` has to hold; of a list, one entry."""

    name: str
    launches: LaunchClass = LaunchClass.PRODUCTION
    job_types: Sequence[str] = ()
    kinds: Sequence[StageKind] = ()
    datasets: Sequence[str] = ()
    owning_roles: Sequence[Role] = ()
    physics_groups: Sequence[str] = ()
    cpu_hours_over: float | None = None
    """Also where nobody knows how much it takes."""
    storage_over: int | None = None
    """In bytes; also where nobody knows."""
    priority_over: int | None = None
    roles: Sequence[Role] = ()
    """Who may decide: everybody in one of these roles, and these people."""
    people: Sequence[str] = ()
    number: int = 1
    """So many different people."""
    step: int = 1
    """Nobody is asked before all of lower steps have agreed."""
    covers: Sequence[RequestPart] = tuple(RequestPart)
    """Of which parts a change wants their agreement anew."""
    expires_after_days: int | None = None
    may_approve_own: bool = False

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "ApprovalRule":
        """A rule as it is stored; what it doesn't say is as by default."""
        read: dict[str, Any] = dict(stored)
        enums = {"kinds": StageKind, "owning_roles": Role, "roles": Role, "covers": RequestPart}
        for name, kind in enums.items():
            if name in read:
                read[name] = tuple(kind(value) for value in read[name])
        if "launches" in read:
            read["launches"] = LaunchClass(read["launches"])
        return cls(**read)

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return asdict(self)

    def may_decide(self, username: str, role: Role | None) -> bool:
        """Whether somebody in this role is one of those who are asked."""
        return username in self.people or role in self.roles

    @property
    def who(self) -> str:
        """Who is asked, in words."""
        asked = [f"anybody in the role {role}" for role in self.roles] + list(self.people)
        more = f"{self.number} of: " if self.number > 1 else ""
        return more + " or ".join(asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSubject:
    """What rules ask of a stage."""

    job_type: str
    kind: StageKind
    dataset: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalSubject:
    """What rules ask of a campaign with its request."""

    stages: Sequence[StageSubject]
    """None of a request without a plan: any rule may be about it."""
    owning_role: Role
    priority: int
    physics_group: str = ""
    cost: PlanCost = UNKNOWN_COST


def is_rule_applicable(rule: ApprovalRule, subject: ApprovalSubject, *, is_test: bool) -> bool:
    """Whether somebody has to agree to it by this rule."""
    wanted = LaunchClass.TEST if is_test else LaunchClass.PRODUCTION
    return (
        rule.launches in (wanted, LaunchClass.ALL)
        and (not subject.stages or any(_is_about_stage(rule, stage) for stage in subject.stages))
        and (not rule.owning_roles or subject.owning_role in rule.owning_roles)
        and (not rule.physics_groups or subject.physics_group in rule.physics_groups)
        and _is_over(subject.cost.cpu_hours, rule.cpu_hours_over)
        and _is_over(subject.cost.storage_bytes, rule.storage_over)
        and _is_over(subject.priority, rule.priority_over)
    )


def _is_about_stage(rule: ApprovalRule, stage: StageSubject) -> bool:
    return (
        _has_match(stage.job_type, rule.job_types)
        and (not rule.kinds or stage.kind in rule.kinds)
        and _has_match(stage.dataset or "", rule.datasets)
    )


def _has_match(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _is_over(number: float | None, bound: float | None) -> bool:
    return bound is None or number is None or number > bound


def check_rules(rules: Sequence[ApprovalRule], usernames: frozenset[str]) -> Iterator[Finding]:
    """Everything that is wrong with the rules of an experiment, whose members have these names."""
    yield from check_length("rules", rules, MOST_RULES)
    yield from check_duplicates("rules[{}].name", (rule.name for rule in rules))
    for n, rule in enumerate(rules[:MOST_RULES]):
        yield from _check_rule(f"rules[{n}]", rule, usernames)


def _check_rule(at: str, rule: ApprovalRule, usernames: frozenset[str]) -> Iterator[Finding]:
    yield from make_finding(f"{at}.name", check_name(rule.name))
    yield from check_patterns(f"{at}.jobTypes", rule.job_types)
    yield from check_patterns(f"{at}.datasets", rule.datasets)
    yield from check_length(f"{at}.physicsGroups", rule.physics_groups, MOST_WHO)
    for n, group in enumerate(rule.physics_groups[:MOST_WHO]):
        yield from make_finding(f"{at}.physicsGroups[{n}]", check_name(group))
    for field, number, most in (
        ("cpuHoursOver", rule.cpu_hours_over, MOST_HOURS),
        ("storageOver", rule.storage_over, MOST_STORAGE),
    ):
        if number is not None and not 0 <= number <= most:
            yield Finding(f"{at}.{field}", f"This is a number from 0 to {most}, not {number}.")
    yield from check_range(f"{at}.priorityOver", rule.priority_over, -MOST_PRIORITY, MOST_PRIORITY)
    yield from check_range(f"{at}.number", rule.number, 1, MOST_NUMBER)
    yield from check_range(f"{at}.step", rule.step, 1, MOST_STEP)
    yield from check_range(f"{at}.expiresAfterDays", rule.expires_after_days, 1, MOST_EXPIRY_DAYS)
    yield from _check_who(at, rule, usernames)
    if not rule.covers:
        yield Finding(f"{at}.covers", "A decision covers at least one part.")


def _check_who(at: str, rule: ApprovalRule, usernames: frozenset[str]) -> Iterator[Finding]:
    yield from check_length(f"{at}.people", rule.people, MOST_WHO)
    for n, username in enumerate(rule.people[:MOST_WHO]):
        if username not in usernames:
            said = f"The experiment has no active member {username[:100]!r}."
            yield Finding(f"{at}.people[{n}]", said)
    if not rule.roles and not rule.people:
        yield Finding(at, "Say who decides: roles or people.")
    elif not rule.roles and rule.number > len(set(rule.people)):
        said = f"{rule.number} are to agree, of {len(set(rule.people))} who are asked."
        yield Finding(f"{at}.number", said)
