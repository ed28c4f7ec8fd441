"""Rows by their ids, in batches: one statement for all that a selection asks for at once."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from strawberry.dataloader import DataLoader

from db import (
    campaigns,
    credentials,
    datasets,
    experiments,
    files,
    job_types,
    launch_hosts,
    login_setups,
    people,
    schedules,
    stages,
)
from db.pool import Database


class HasId(Protocol):
    """A row with a primary key."""

    @property
    def id(self) -> int: ...  # noqa: D102


Row = TypeVar("Row")
Identified = TypeVar("Identified", bound=HasId)
Fetch = Callable[[Database, Sequence[int]], Awaitable[list[Row]]]


def by_id(db: Database, fetch: Fetch[Identified]) -> DataLoader[int, Identified | None]:
    """Rows by id. Nothing is remembered: a socket's context lives long, and rows change."""

    async def load(ids: list[int]) -> list[Identified | None]:
        found = {row.id: row for row in await fetch(db, ids)}
        return [found.get(id_) for id_ in ids]

    return DataLoader(load_fn=load, cache=False)


def grouped_by(
    db: Database, fetch: Fetch[Row], key: Callable[[Row], int]
) -> DataLoader[int, list[Row]]:
    """All rows that belong to an id."""

    async def load(ids: list[int]) -> list[list[Row]]:
        found: dict[int, list[Row]] = defaultdict(list)
        for row in await fetch(db, ids):
            found[key(row)].append(row)
        return [found[id_] for id_ in ids]

    return DataLoader(load_fn=load, cache=False)


@dataclass
class Loaders:
    """One loader for each noun of the configuration."""

    db: Database
    experiment: DataLoader[int, experiments.Experiment | None] = field(init=False)
    person: DataLoader[int, people.Person | None] = field(init=False)
    memberships_of: DataLoader[int, list[people.Membership]] = field(init=False)
    job_type: DataLoader[int, job_types.JobType | None] = field(init=False)
    login_setup: DataLoader[int, login_setups.LoginSetup | None] = field(init=False)
    launch_host: DataLoader[int, launch_hosts.LaunchHost | None] = field(init=False)
    credential: DataLoader[int, credentials.Credential | None] = field(init=False)
    dataset: DataLoader[int, datasets.Dataset | None] = field(init=False)
    file: DataLoader[int, files.File | None] = field(init=False)
    campaign: DataLoader[int, campaigns.Campaign | None] = field(init=False)
    stage: DataLoader[int, stages.Stage | None] = field(init=False)
    stages_of: DataLoader[int, list[stages.Stage]] = field(init=False)
    schedule_of: DataLoader[int, list[schedules.Schedule]] = field(init=False)
    dependency: DataLoader[int, stages.Dependency | None] = field(init=False)
    dependencies_of: DataLoader[int, list[stages.Dependency]] = field(init=False)

    def __post_init__(self) -> None:
        db = self.db
        self.experiment = by_id(db, experiments.by_ids)
        self.person = by_id(db, people.by_ids)
        self.memberships_of = grouped_by(db, people.memberships_of, lambda row: row.person_id)
        self.job_type = by_id(db, job_types.by_ids)
        self.login_setup = by_id(db, login_setups.by_ids)
        self.launch_host = by_id(db, launch_hosts.by_ids)
        self.credential = by_id(db, credentials.by_ids)
        self.dataset = by_id(db, datasets.by_ids)
        self.file = by_id(db, files.by_ids)
        self.campaign = by_id(db, campaigns.by_ids)
        self.stage = by_id(db, stages.by_ids)
        self.stages_of = grouped_by(db, stages.of_campaigns, lambda row: row.campaign_id)
        self.schedule_of = grouped_by(db, schedules.by_stages, lambda row: row.stage_id)
        self.dependency = by_id(db, stages.dependencies_by_ids)
        self.dependencies_of = grouped_by(db, stages.dependencies_of, lambda row: row.campaign_id)
