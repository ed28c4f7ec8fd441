"""What is decided on requests, as a client sees it."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from db.requests import decisions
from domain.requests.requests import RequestDecisionKind
from door.describe import declare_enum_type, declare_input_type, declare_object_type
from door.pages import Node
from schema.context import Info
from schema.fields import declare_query
from schema.ids import node_id
from schema.people.people import Person, load_person
from schema.problems import Invalid, MutationProblem, Problem
from schema.requests.parts import RequestPart

if TYPE_CHECKING:
    from schema.requests.requests import Request, WrongRequestState

declare_enum_type(RequestDecisionKind)


@declare_object_type
class MissingAgreement:
    """A rule that has not as many agreements as it wants."""

    rule: str
    """The rule's name."""
    is_test: bool
    """Whether it keeps test launches waiting, or launches in production."""
    reason: str
    """Who has to agree, in words."""
    needed: int
    """How many have to agree."""
    given: int
    """How many have."""
    by: list[str]
    """Who has, by username."""
    is_turn: bool
    """Whether it is their turn: nobody of a lower step is waited for."""
    voided: list[RequestPart]
    """What has changed since somebody agreed to it."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "MissingAgreement":
        """Show one as it is stored."""
        names = ("rule", "is_test", "reason", "needed", "given", "by", "is_turn")
        return cls(
            **{name: stored[name] for name in names},
            voided=[RequestPart(part) for part in stored["voided"]],
        )


@declare_object_type
class RequestDecision(Node):
    """What somebody has decided on a request. It stays as it is; an agreement can be taken back."""

    kind: RequestDecisionKind
    """What they decided."""
    revision: int
    """On which revision."""
    comment: str
    """Why."""
    at: datetime
    """When."""
    withdrawn_at: datetime | None
    """When they took it back; null: they did not."""
    parts: list[RequestPart]
    """What it covers."""
    changed_since: list[RequestPart]
    """What of it has changed since: while there is something, it does not count."""
    row: strawberry.Private[decisions.RequestDecision]

    @classmethod
    def of(cls, row: decisions.RequestDecision, hashes: Mapping[str, str]) -> "RequestDecision":
        """Show a row, of a request whose parts are like that now."""
        return cls(
            id=node_id("request_decision", row.id),
            kind=row.kind,
            revision=row.revision,
            comment=row.comment,
            at=row.at,
            withdrawn_at=row.withdrawn_at,
            parts=[part for part in RequestPart if part in row.hashes],
            changed_since=[
                part
                for part in RequestPart
                if part in row.hashes and row.hashes[part] != hashes.get(part)
            ],
            row=row,
        )

    @declare_query()
    async def person(self, info: Info) -> Person:
        """Who decided."""
        return await load_person(info, self.row.person_id)

    @declare_query()
    async def behalf_of(self, info: Info) -> Person | None:
        """For whom, as whose delegate; null: for themselves."""
        return await load_person(info, self.row.behalf_id) if self.row.behalf_id else None


@declare_input_type
class ApproveRequestInput:
    """That you agree to a request as you have seen it."""

    id: strawberry.ID
    """Which request."""
    plan_hash: str
    """Its `planHash` when you looked at it."""
    comment: str = ""
    """What there is to say to it, up to 1000 characters."""
    behalf_of: str | None = None
    """The username of whom you decide for, as their delegate."""


@declare_object_type
class RequestChanged(Problem):
    """The request is not as you saw it: look at it again."""

    plan_hash: str
    """What it is now."""
    changed: list[RequestPart]
    """What has changed; empty, where what you saw is not known any more."""


@declare_object_type
class NotAskedToDecide(Problem):
    """No rule asks you now."""

    waiting_on: list[MissingAgreement]
    """Who is asked."""


LazyRequest = Annotated["Request", strawberry.lazy("schema.requests.requests")]
LazyWrongState = Annotated["WrongRequestState", strawberry.lazy("schema.requests.requests")]
ApproveRequestResult = Annotated[
    LazyRequest | MutationProblem | Invalid | LazyWrongState | RequestChanged | NotAskedToDecide,
    strawberry.union("ApproveRequestResult"),
]
RefuseRequestResult = Annotated[
    LazyRequest | MutationProblem | Invalid | LazyWrongState | NotAskedToDecide,
    strawberry.union("RefuseRequestResult"),
]
WithdrawDecisionResult = Annotated[
    LazyRequest | MutationProblem | Invalid | LazyWrongState,
    strawberry.union("WithdrawDecisionResult"),
]
