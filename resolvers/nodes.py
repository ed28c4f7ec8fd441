"""Anything by its id: the one register of kinds."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from door.describe import thing
from door.pages import Node
from schema import campaigns, stages
from schema.context import Info
from schema.credentials import Credential
from schema.datasets import Dataset
from schema.experiments import Experiment
from schema.fields import reads
from schema.files import File
from schema.ids import number
from schema.job_types import JobType
from schema.launch_hosts import LaunchHost
from schema.login_setups import LoginSetup

Find = Callable[[Info, int], Awaitable[Node | None]]
FindByKey = Callable[[Info, strawberry.ID], Awaitable[Node | None]]
KINDS: dict[str, FindByKey] = {}
"""What stands before the colon of an id → how to find it. Everybody who adds a type of node adds its kind."""


def kind(name: str, find: Find) -> None:
    """Add a kind whose ids are `name:number`. `find` answers None for what the viewer can't see."""

    async def by_id(info: Info, id: strawberry.ID) -> Node | None:
        key = number(id, name)
        return None if key is None else await find(info, key)

    KINDS[name] = by_id


class OfExperiment(Protocol):
    """A row that belongs to an experiment."""

    @property
    def experiment_id(self) -> int: ...  # noqa: D102


Row = TypeVar("Row", bound=OfExperiment)


def belongs(
    name: str,
    loader: Callable[[Info], DataLoader[int, Row | None]],
    show: Callable[[Row, Info], Node],
) -> None:
    """Add a kind of things that all who see their experiment see."""

    async def find(info: Info, key: int) -> Node | None:
        row = await loader(info).load(key)
        seen = row is not None and info.context.allows("view", row.experiment_id)
        return show(row, info) if row is not None and seen else None

    kind(name, find)


async def _experiment(info: Info, key: int) -> Experiment | None:
    row = await info.context.load.experiment.load(key)
    if row is None or not info.context.allows("view", row.id):
        return None
    return Experiment.of(row, info.context.viewer)


kind("experiment", _experiment)
kind("campaign", campaigns.campaign)
kind("stage", stages.stage)
belongs("job_type", lambda info: info.context.load.job_type, JobType.of)
belongs("login_setup", lambda info: info.context.load.login_setup, LoginSetup.of)
belongs(
    "launch_host", lambda info: info.context.load.launch_host, lambda row, _: LaunchHost.of(row)
)
belongs("credential", lambda info: info.context.load.credential, Credential.of)
belongs("dataset", lambda info: info.context.load.dataset, Dataset.of)
belongs("file", lambda info: info.context.load.file, lambda row, _: File.of(row))


@thing
class NodeQueries:
    """Anything by its id."""

    @reads()
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        """Find anything by its id; null when there is no such thing, or you can't see it."""
        find = KINDS.get(id.partition(":")[0])
        return None if find is None else await find(info, id)
