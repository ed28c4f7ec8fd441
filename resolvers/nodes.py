"""Anything by its id: the one register of kinds."""

from collections.abc import Awaitable, Callable

import strawberry

from door.describe import declare_object_type
from door.pages import Node
from resolvers import nouns
from resolvers.nouns import Noun, Row, find_seen
from schema.campaigns import campaigns, stages
from schema.context import Info
from schema.fields import declare_query
from schema.files.catalogs import Catalog
from schema.files.datasets import Dataset
from schema.files.files import File
from schema.ids import parse_node_id
from schema.people.experiments import Experiment
from schema.setup.credentials import Credential
from schema.setup.job_types import JobType
from schema.setup.launch_hosts import LaunchHost
from schema.setup.login_setups import LoginSetup

Find = Callable[[Info, int], Awaitable[Node | None]]
FindByKey = Callable[[Info, strawberry.ID], Awaitable[Node | None]]
KINDS: dict[str, FindByKey] = {}
"""What stands before the colon of an id → how to find it. Everybody who adds a type of node adds its kind."""


def register_kind(name: str, find: Find) -> None:
    """Add a kind whose ids are `name:number`. `find` answers None for what the viewer can't see."""

    async def by_id(info: Info, id: strawberry.ID) -> Node | None:
        key = parse_node_id(id, name)
        return None if key is None else await find(info, key)

    KINDS[name] = by_id


def register_experiment_kind(noun: Noun[Row], show: Callable[[Row, Info], Node]) -> None:
    """Add a kind of things that all who see their experiment see."""

    async def by_id(info: Info, id: strawberry.ID) -> Node | None:
        row = await find_seen(info, noun, id)
        return None if row is None else show(row, info)

    KINDS[noun.kind] = by_id


async def _find_experiment(info: Info, key: int) -> Experiment | None:
    row = await info.context.load.experiment.load(key)
    if row is None or not info.context.allows("view", row.id):
        return None
    return Experiment.of(row, info.context.viewer)


register_kind("experiment", _find_experiment)
register_kind("campaign", campaigns.load_campaign)
register_kind("stage", stages.load_stage)
register_experiment_kind(nouns.JOB_TYPE, JobType.of)
register_experiment_kind(nouns.LOGIN_SETUP, LoginSetup.of)
register_experiment_kind(nouns.LAUNCH_HOST, lambda row, _: LaunchHost.of(row))
register_experiment_kind(nouns.CREDENTIAL, Credential.of)
register_experiment_kind(nouns.CATALOG, Catalog.of)
register_experiment_kind(nouns.DATASET, Dataset.of)
register_experiment_kind(nouns.FILE, lambda row, _: File.of(row))


async def find_node(info: Info, id: strawberry.ID) -> Node | None:
    """Find anything by its id, if the viewer may see it."""
    find = KINDS.get(id.partition(":")[0])
    return None if find is None else await find(info, id)


@declare_object_type
class NodeQueries:
    """Anything by its id."""

    @declare_query()
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        """Find anything by its id; null when there is no such thing, or you can't see it."""
        return await find_node(info, id)
