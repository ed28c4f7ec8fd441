"""Requests, as a client sees them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import orjson
import strawberry

from db.requests import requests
from domain.permissions import Role
from domain.requests import requests as rules
from domain.requests.plan_parts import PlanCost, hash_request
from domain.requests.requests import AskKind, RequestContent, RequestState
from door.describe import declare_enum_type, declare_input_type, declare_object_type
from schema.campaigns.campaigns import Campaign, load_campaign
from schema.context import Info
from schema.fields import declare_query
from schema.ids import node_id
from schema.numbers import BigInt
from schema.people.experiments import load_experiment
from schema.people.owned import OwnedNode
from schema.people.people import Person, load_person
from schema.problems import MutationProblem, Problem
from schema.requests.decisions import MissingAgreement, RequestDecision
from schema.requests.parts import RequestPart
from schema.setup.parameters import Finding, Parameter, ParameterInput, show_pairs, store_pairs

for enum in (RequestState, AskKind):
    declare_enum_type(enum)


@declare_object_type
class KeptOutput:
    """Outputs of a stage that are to be kept."""

    stage: str
    """The stage's name."""
    days: int | None
    """How long; null: for ever."""
    place: str
    """Where; empty: where the campaign puts them."""


@declare_object_type
class Ask:
    """One thing that is wanted."""

    kind: AskKind
    """Whether a dataset is to be processed, or events are to be generated."""
    dataset: str | None
    """Which dataset."""
    files: int | None
    """How many files it had when it was asked for; null: it was not known here."""
    events: BigInt | None
    """How many events."""
    software_version: str
    """With which software."""
    parameters: list[Parameter]
    """What else there is to say of it."""
    keep: list[KeptOutput]
    """Which outputs are to be kept."""

    @classmethod
    def of(cls, ask: rules.Ask) -> "Ask":
        """Show one."""
        return cls(
            kind=ask.kind,
            dataset=ask.dataset,
            files=ask.files,
            events=ask.events,
            software_version=ask.software_version,
            parameters=show_pairs(ask.parameters),
            keep=[KeptOutput(stage=k.stage, days=k.days, place=k.place) for k in ask.keep],
        )


@declare_enum_type
class RequestAction(StrEnum):
    """What can be done to a request."""

    SAVE = "save"
    """Change what it says."""
    SUBMIT = "submit"
    """Ask those to agree who have to."""
    CANCEL = "cancel"
    """Say that nobody wants it any more."""
    FINISH = "finish"
    """Say that what it wanted is there."""


@declare_object_type
class RequestRevision:
    """A request as it was."""

    number: int
    """Grows with each change of what is to be agreed to, also of its campaign or of job types."""
    comment: str
    """What was changed, in the words of who did it."""
    at: datetime
    """Since when it was so."""
    campaign_revision: int | None
    """At which revision its campaign was."""
    plan_hash: str
    """The name of all parts as they were."""
    record: str
    """All that was to be agreed to, by part, as JSON."""
    author_id: strawberry.Private[int | None]

    @classmethod
    def of(cls, row: requests.RequestRevision) -> "RequestRevision":
        """Show a row."""
        return cls(
            number=row.number,
            comment=row.comment,
            at=row.at,
            campaign_revision=row.campaign_revision,
            plan_hash=hash_stored_parts(row.hashes),
            record=orjson.dumps(row.parts).decode(),
            author_id=row.author_id,
        )

    @declare_query()
    async def author(self, info: Info) -> Person | None:
        """Who has changed it; null: what it refers to was changed elsewhere."""
        return await load_person(info, self.author_id) if self.author_id else None


def hash_stored_parts(hashes: dict[str, str]) -> str:
    """The one name of parts by their stored hashes; empty, before there are some."""
    known = {RequestPart(part): found for part, found in hashes.items()}
    return hash_request(known) if known else ""


@declare_object_type
class Request(OwnedNode):
    """What somebody wants produced, before and apart from how it runs."""

    number: int
    """What people call it by, within its experiment."""
    title: str
    """What it is about."""
    purpose: str
    """What it is for, in Markdown."""
    physics_group: str
    """For which group of physicists."""
    state: RequestState
    """Where it is."""
    state_since: datetime
    """Since when."""
    revision: int
    """Its revision."""
    priority: int
    """The priority that is wanted."""
    needed_by: datetime | None
    """Until when it is needed."""
    cpu_hours: float | None
    """How much it is expected to take; null: nobody knows."""
    storage_bytes: BigInt | None
    """How much room its outputs are expected to need; null: nobody knows."""
    cpu_hours_band: str
    """What is agreed to of it: a change within the band needs nobody's agreement."""
    asks: list[Ask]
    """What is wanted."""
    plan_hash: str
    """The name of all its parts as they are: give it back with a decision. Empty, before it has a revision."""
    owning_role: Role
    """Who acts on it, besides its owner."""
    waiting_on: list[MissingAgreement]
    """Who has still to agree, those first whose turn it is."""
    created_at: datetime
    """When it was begun."""
    updated_at: datetime
    """When it was changed last."""
    row: strawberry.Private[requests.Request]

    @classmethod
    def of(cls, row: requests.Request) -> "Request":
        """Show a row."""
        content = RequestContent.of(row.content)
        return cls(
            id=node_id("request", row.id),
            number=row.number,
            title=row.title,
            purpose=content.purpose,
            physics_group=content.physics_group,
            state=row.state,
            state_since=row.state_since,
            revision=row.revision,
            priority=content.priority,
            needed_by=content.needed_by,
            cpu_hours=content.cpu_hours,
            storage_bytes=content.storage_bytes,
            cpu_hours_band=PlanCost(content.cpu_hours).bands["cpu_hours"],
            asks=[Ask.of(ask) for ask in content.asks],
            plan_hash=hash_stored_parts(row.hashes),
            owning_role=row.owning_role,
            waiting_on=[MissingAgreement.of(each) for each in row.missing],
            created_at=row.created_at,
            updated_at=row.updated_at,
            experiment_id=row.experiment_id,
            owner_id=row.owner_id,
            row=row,
        )

    @declare_query()
    async def name(self, info: Info) -> str:
        """What people call it by: the experiment and the number, `nova-142`."""
        return f"{(await load_experiment(info, self.experiment_id)).name}-{self.number}"

    @declare_query()
    async def campaign(self, info: Info) -> Campaign | None:
        """How it is to run; null: nobody has planned that yet."""
        key = self.row.campaign_id
        return None if key is None else await load_campaign(info, key)

    @declare_query()
    async def decisions(self, info: Info) -> list[RequestDecision]:
        """What was decided on it, the oldest first."""
        found = await info.context.load.request_decisions_of.load(self.row.id)
        return [RequestDecision.of(row, self.row.hashes) for row in found]

    @declare_query()
    async def may_approve(self, info: Info) -> bool:
        """Whether a rule asks you now to agree to it; as somebody's delegate you may be asked, too."""
        viewer = info.context.viewer
        role = viewer.roles.get(self.experiment_id)
        return self.state in rules.DECIDABLE and any(
            each["is_turn"]
            and viewer.username not in each["barred"]
            and (viewer.username in each["people"] or role in each["roles"])
            for each in self.row.missing
        )

    @declare_query()
    async def available_actions(self, info: Info) -> list[RequestAction]:
        """What you may do to it now, besides deciding on it."""
        if self.state not in rules.OPEN or not info.context.allows(
            "modify", self.experiment_id, self.owner_id, self.owning_role
        ):
            return []
        is_draft = self.state in (RequestState.DRAFT, RequestState.RETURNED)
        submits = [RequestAction.SUBMIT] if is_draft else []
        ends = [RequestAction.FINISH] if self.state is RequestState.RUNNING else []
        return [RequestAction.SAVE, *submits, RequestAction.CANCEL, *ends]


@declare_input_type
class KeptOutputInput:
    """Outputs of a stage that are to be kept."""

    stage: str
    """The stage's name."""
    days: int | None = None
    """How long; null: for ever."""
    place: str = ""
    """Where; empty: where the campaign puts them."""


@declare_input_type
class AskInput:
    """One thing that is wanted."""

    kind: AskKind
    """Whether a dataset is to be processed, or events are to be generated."""
    dataset: str | None = None
    """Which dataset of the experiment."""
    events: BigInt | None = None
    """How many events."""
    software_version: str = ""
    """With which software."""
    parameters: list[ParameterInput] = strawberry.field(default_factory=list)
    """What else there is to say of it."""
    keep: list[KeptOutputInput] = strawberry.field(default_factory=list)
    """Which outputs are to be kept."""

    def read(self, files: int | None) -> rules.Ask:
        """As the domain checks it, of a dataset with so many files."""
        return rules.Ask(
            kind=self.kind,
            dataset=self.dataset,
            files=files,
            events=self.events,
            software_version=self.software_version,
            parameters=store_pairs(self.parameters),
            keep=[rules.KeptOutput(stage=k.stage, days=k.days, place=k.place) for k in self.keep],
        )


@declare_input_type
class RequestInput:
    """What a request says; what is left out becomes empty."""

    title: str
    """What it is about, up to 100 characters."""
    purpose: str = ""
    """What it is for, in Markdown: who decides has nothing else to go by."""
    physics_group: str = ""
    """For which group of physicists."""
    priority: int = 0
    """The priority that is wanted, from -1000 to 1000."""
    needed_by: datetime | None = None
    """Until when it is needed."""
    cpu_hours: float | None = None
    """How much it is expected to take."""
    storage_bytes: BigInt | None = None
    """How much room its outputs are expected to need."""
    asks: list[AskInput] = strawberry.field(default_factory=list)
    """What is wanted."""
    campaign: str | None = None
    """The name of the campaign that is its plan: yours to change, and of no other request. It may be a draft."""

    def read(self, files: dict[str, int]) -> RequestContent:
        """As the domain checks it, with how many files the datasets have that are there."""
        return RequestContent(
            title=self.title,
            purpose=self.purpose,
            physics_group=self.physics_group,
            priority=self.priority,
            needed_by=self.needed_by,
            cpu_hours=self.cpu_hours,
            storage_bytes=self.storage_bytes,
            asks=[ask.read(files.get(ask.dataset or "")) for ask in self.asks],
        )


@declare_input_type
class CreateRequestInput(RequestInput):
    """A new request of an experiment."""

    experiment: str
    """The experiment's name."""


@declare_input_type
class SaveRequestInput(RequestInput):
    """A request as it shall be from now on. What somebody has agreed to and has changed needs agreement anew."""

    id: strawberry.ID
    """Which one."""
    comment: str = ""
    """What is changed, and why."""
    expected_revision: int | None = None
    """Refuse when somebody else has changed it since."""


@declare_object_type
class InvalidRequest(Problem):
    """The request can't be saved or submitted as it is: everything that is wrong with it."""

    findings: list[Finding]
    """What is wrong, and where."""

    @classmethod
    def of(cls, found: list[Any], what: str) -> "InvalidRequest":
        """Say that it was not done, and why."""
        first = found[0]
        said = f"The request was not {what}, {first.path}: {first.message}"
        return cls(message=said, findings=[Finding.of(each) for each in found])


@declare_object_type
class WrongRequestState(Problem):
    """This can't be done to a request in the state in which it is."""

    state: RequestState
    """Its state."""


@declare_object_type
class StaleRequest(Problem):
    """It was changed since you read it: read it again."""

    current: int
    """The revision that it has now."""


CreateRequestResult = Annotated[
    Request | MutationProblem | InvalidRequest, strawberry.union("CreateRequestResult")
]
SaveRequestResult = Annotated[
    Request | MutationProblem | InvalidRequest | WrongRequestState | StaleRequest,
    strawberry.union("SaveRequestResult"),
]
SubmitRequestResult = Annotated[
    Request | MutationProblem | InvalidRequest | WrongRequestState,
    strawberry.union("SubmitRequestResult"),
]
FinishRequestResult = Annotated[
    Request | MutationProblem | WrongRequestState, strawberry.union("FinishRequestResult")
]
CancelRequestResult = Annotated[
    Request | MutationProblem | WrongRequestState, strawberry.union("CancelRequestResult")
]
