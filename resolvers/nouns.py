"""Finding what somebody asks for by its id: is it there, is it theirs to see, may they do this to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from resolvers import tenants
from schema.context import Info
from schema.ids import parse_node_id
from schema.loads import AllLoaders
from schema.problems import NotFound, NotPermitted


class OfExperiment(Protocol):
    """A row that belongs to an experiment."""

    @property
    def experiment_id(self) -> int: ...  # noqa: D102


Row = TypeVar("Row", bound=OfExperiment)


@dataclass(frozen=True, slots=True)
class Noun(Generic[Row]):
    """How things of one kind are found."""

    kind: str
    """What stands before the colon of their ids."""
    load: Callable[[AllLoaders], DataLoader[int, Row | None]]

    @property
    def words(self) -> str:
        """What people call one."""
        return self.kind.replace("_", " ")

    def name(self, row: Any) -> str:
        """What people call this one."""
        return f"{self.words} {getattr(row, 'name', None) or row.id}"


CAMPAIGN = Noun("campaign", lambda load: load.campaign)
STAGE = Noun("stage", lambda load: load.stage)
SUBMISSION = Noun("submission", lambda load: load.submission)
JOB_TYPE = Noun("job_type", lambda load: load.job_type)
LOGIN_SETUP = Noun("login_setup", lambda load: load.login_setup)
LAUNCH_HOST = Noun("launch_host", lambda load: load.launch_host)
CREDENTIAL = Noun("credential", lambda load: load.credential)
CATALOG = Noun("catalog", lambda load: load.catalog)
DATASET = Noun("dataset", lambda load: load.dataset)
REQUEST = Noun("request", lambda load: load.request)
FILE = Noun("file", lambda load: load.file)


async def find_seen(info: Info, noun: Noun[Row], id: strawberry.ID) -> Row | None:
    """Find what the viewer may see; anything else is as if it weren't there."""
    key = parse_node_id(id, noun.kind)
    row = None if key is None else await noun.load(info.context.load).load(key)
    return row if row is not None and info.context.allows("view", row.experiment_id) else None


async def find_visible(info: Info, noun: Noun[Row], id: strawberry.ID) -> Row | NotFound:
    """Find what the viewer may see, or say that there is no such thing."""
    return await find_seen(info, noun, id) or tenants.report_unknown(noun.words, id)


async def find_allowed(
    info: Info, noun: Noun[Row], id: strawberry.ID, action: str
) -> Row | NotFound | NotPermitted:
    """Find that to which the viewer may do this, or say why not.

    What a campaign launches and has launched is the campaign's owner's; what nobody owns, the experiment's.
    """
    row = await find_seen(info, noun, id)
    if row is None:
        return tenants.report_unknown(noun.words, id)
    return (
        row
        if await may_act(info, action, row)
        else tenants.report_not_permitted(action, noun.name(row))
    )


async def may_act(info: Info, action: str, row: OfExperiment) -> bool:
    """Whether the viewer may do this to it."""
    owner: Any = row
    if hasattr(row, "campaign_id") and not hasattr(row, "owner_id"):
        owner = await info.context.load.campaign.load(row.campaign_id)
        if owner is None:
            return False
    if not hasattr(owner, "owner_id"):
        return info.context.allows(action, row.experiment_id)
    return info.context.allows(action, row.experiment_id, owner.owner_id, owner.owning_role)
