"""Rules of who has to agree, as a client sees them."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from db.requests import approval_rules
from domain.campaigns.stages import StageKind
from domain.permissions import Role
from domain.requests import approval_rules as rules
from domain.requests.approval_rules import LaunchClass
from door.describe import declare_enum_type, declare_input_type, declare_object_type
from schema.context import Info
from schema.fields import declare_query
from schema.numbers import BigInt
from schema.people.people import Person, load_person
from schema.problems import MutationProblem, Problem
from schema.requests.parts import RequestPart
from schema.setup.parameters import Finding

declare_enum_type(LaunchClass)


@declare_object_type
class ApprovalRule:
    """When somebody has to agree, and who. All that it says of when has to hold; of a list, one entry."""

    name: str
    """Unique in the experiment."""
    launches: LaunchClass
    """Of which launches."""
    job_types: list[str]
    """Globs of job types; empty: any."""
    kinds: list[StageKind]
    """Kinds of stages; empty: any."""
    datasets: list[str]
    """Globs of datasets; empty: any, or none."""
    owning_roles: list[Role]
    """Whose campaigns; empty: anybody's."""
    physics_groups: list[str]
    """For which groups; empty: for any."""
    cpu_hours_over: float | None
    """Only where it takes more, or nobody knows how much."""
    storage_over: BigInt | None
    """Only where it needs more bytes, or nobody knows how many."""
    priority_over: int | None
    """Only with a higher priority."""
    roles: list[Role]
    """Who may decide: everybody in one of these roles."""
    people: list[str]
    """Who may decide besides, by username."""
    number: int
    """So many different people have to agree."""
    step: int
    """Nobody is asked before all of lower steps have agreed."""
    covers: list[RequestPart]
    """Of which parts a change wants their agreement anew."""
    expires_after_days: int | None
    """For how long an agreement counts; null: for ever."""
    may_approve_own: bool
    """Whether who has asked or planned may agree."""

    @classmethod
    def of(cls, rule: rules.ApprovalRule) -> "ApprovalRule":
        """Show a rule."""
        shown: dict[str, Any] = rule.to_json()
        for name in LISTS:
            shown[name] = list(shown[name])
        return cls(**shown)


LISTS = (
    "job_types",
    "kinds",
    "datasets",
    "owning_roles",
    "physics_groups",
    "roles",
    "people",
    "covers",
)


@declare_object_type
class ApprovalRuleSet:
    """The rules of an experiment. Without any, everything launches that may."""

    rules: list[ApprovalRule]
    """All of them."""
    set_at: datetime | None
    """Since when; null: it never had any."""
    set_by_id: strawberry.Private[int | None]

    @classmethod
    def of(cls, row: approval_rules.ApprovalRuleSet | None) -> "ApprovalRuleSet":
        """Show a row."""
        if row is None:
            return cls(rules=[], set_at=None, set_by_id=None)
        shown = [ApprovalRule.of(rule) for rule in row.parsed]
        return cls(rules=shown, set_at=row.set_at, set_by_id=row.set_by)

    @declare_query()
    async def set_by(self, info: Info) -> Person | None:
        """Who has set them."""
        return await load_person(info, self.set_by_id) if self.set_by_id else None


@declare_input_type
class ApprovalRuleInput:
    """When somebody has to agree, and who. What is left out doesn't narrow."""

    name: str
    """Unique in the experiment."""
    launches: LaunchClass = LaunchClass.PRODUCTION
    """Of which launches."""
    job_types: list[str] = strawberry.field(default_factory=list)
    """Globs of job types."""
    kinds: list[StageKind] = strawberry.field(default_factory=list)
    """Kinds of stages."""
    datasets: list[str] = strawberry.field(default_factory=list)
    """Globs of datasets, as stages name them."""
    owning_roles: list[Role] = strawberry.field(default_factory=list)
    """Whose campaigns."""
    physics_groups: list[str] = strawberry.field(default_factory=list)
    """For which groups."""
    cpu_hours_over: float | None = None
    """Only where it takes more, or nobody knows how much."""
    storage_over: BigInt | None = None
    """Only where it needs more bytes, or nobody knows how many."""
    priority_over: int | None = None
    """Only with a higher priority."""
    roles: list[Role] = strawberry.field(default_factory=list)
    """Who may decide: everybody in one of these roles."""
    people: list[str] = strawberry.field(default_factory=list)
    """Who may decide besides, by username."""
    number: int = 1
    """So many different people have to agree."""
    step: int = 1
    """Nobody is asked before all of lower steps have agreed."""
    covers: list[RequestPart] | None = None
    """Of which parts a change wants their agreement anew; null: of all."""
    expires_after_days: int | None = None
    """For how long an agreement counts."""
    may_approve_own: bool = False
    """Whether who has asked or planned may agree."""

    def read(self) -> rules.ApprovalRule:
        """As the domain checks it."""
        given = {name: getattr(self, name) for name in rules.ApprovalRule.__dataclass_fields__}
        if self.covers is None:
            del given["covers"]
        return rules.ApprovalRule(**given)


@declare_input_type
class SetApprovalRulesInput:
    """Who has to agree to the launches of an experiment from now on."""

    experiment: str
    """The experiment's name."""
    rules: list[ApprovalRuleInput]
    """All of them, in place of those that it has; none: everything launches that may."""
    reason: str = ""
    """Why, up to 1000 characters."""
    dry_run: bool = False
    """Change nothing, and say only what is wrong with them."""


@declare_object_type
class InvalidApprovalRules(Problem):
    """The rules were not set: everything that is wrong with them."""

    findings: list[Finding]
    """What is wrong, and where."""


SetApprovalRulesResult = Annotated[
    ApprovalRuleSet | MutationProblem | InvalidApprovalRules,
    strawberry.union("SetApprovalRulesResult"),
]
