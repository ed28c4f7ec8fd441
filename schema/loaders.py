"""Rows by their ids, in batches: one statement for all that a selection asks for at once."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from strawberry.dataloader import DataLoader

from db.campaigns import campaigns, schedules, stages
from db.files import catalogs, datasets, file_checks, files, listings
from db.people import experiments, people, service_tokens, summaries
from db.pool import Database
from db.setup import credentials, job_types, launch_hosts, login_setups


class HasId(Protocol):
    """A row with a primary key."""

    @property
    def id(self) -> int: ...  # noqa: D102


Row = TypeVar("Row")
Identified = TypeVar("Identified", bound=HasId)
Fetch = Callable[[Database, Sequence[int]], Awaitable[list[Row]]]


def make_id_loader(db: Database, fetch: Fetch[Identified]) -> DataLoader[int, Identified | None]:
    """Rows by id. Nothing is remembered: a socket's context lives long, and rows change."""

    async def load(ids: list[int]) -> list[Identified | None]:
        found = {row.id: row for row in await fetch(db, ids)}
        return [found.get(id_) for id_ in ids]

    return DataLoader(load_fn=load, cache=False)


def make_group_loader(
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
class SetupLoaders:
    """One loader for each noun of the configuration."""

    db: Database
    experiment: DataLoader[int, experiments.Experiment | None] = field(init=False)
    summary: DataLoader[summaries.WantedSummary, summaries.Summary | None] = field(init=False)
    person: DataLoader[int, people.Person | None] = field(init=False)
    memberships_of: DataLoader[int, list[people.Membership]] = field(init=False)
    job_type: DataLoader[int, job_types.JobType | None] = field(init=False)
    login_setup: DataLoader[int, login_setups.LoginSetup | None] = field(init=False)
    launch_host: DataLoader[int, launch_hosts.LaunchHost | None] = field(init=False)
    credential: DataLoader[int, credentials.Credential | None] = field(init=False)
    service_token: DataLoader[int, service_tokens.ServiceToken | None] = field(init=False)
    catalog: DataLoader[int, catalogs.Catalog | None] = field(init=False)
    dataset: DataLoader[int, datasets.Dataset | None] = field(init=False)
    listing_of: DataLoader[int, listings.DatasetListing | None] = field(init=False)
    """The newest of a dataset."""
    file: DataLoader[int, files.File | None] = field(init=False)
    file_check_of: DataLoader[int, list[file_checks.FileCheck]] = field(init=False)
    campaign: DataLoader[int, campaigns.Campaign | None] = field(init=False)
    stage: DataLoader[int, stages.Stage | None] = field(init=False)
    stages_of: DataLoader[int, list[stages.Stage]] = field(init=False)
    stages_of_dataset: DataLoader[int, list[stages.Stage]] = field(init=False)
    schedule_of: DataLoader[int, list[schedules.Schedule]] = field(init=False)
    dependency: DataLoader[int, stages.Dependency | None] = field(init=False)
    dependencies_of: DataLoader[int, list[stages.Dependency]] = field(init=False)

    def __post_init__(self) -> None:
        db = self.db
        self.experiment = make_id_loader(db, experiments.find_by_ids)
        self.summary = DataLoader(load_fn=self._summaries, cache=False)
        self.person = make_id_loader(db, people.find_by_ids)
        self.memberships_of = make_group_loader(
            db, people.list_memberships, lambda row: row.person_id
        )
        self.job_type = make_id_loader(db, job_types.find_by_ids)
        self.login_setup = make_id_loader(db, login_setups.find_by_ids)
        self.launch_host = make_id_loader(db, launch_hosts.find_by_ids)
        self.credential = make_id_loader(db, credentials.find_by_ids)
        self.service_token = make_id_loader(db, service_tokens.find_by_ids)
        self.catalog = make_id_loader(db, catalogs.find_by_ids)
        self.dataset = make_id_loader(db, datasets.find_by_ids)
        self.listing_of = DataLoader(load_fn=self._listings, cache=False)
        self.file = make_id_loader(db, files.find_by_ids)
        self.file_check_of = make_group_loader(
            db, file_checks.find_by_datasets, lambda row: row.dataset_id
        )
        self.campaign = make_id_loader(db, campaigns.find_by_ids)
        self.stage = make_id_loader(db, stages.find_by_ids)
        self.stages_of = make_group_loader(
            db, stages.list_by_campaigns, lambda row: row.campaign_id
        )
        self.stages_of_dataset = make_group_loader(
            db, stages.list_by_datasets, lambda row: row.dataset_id or 0
        )
        self.schedule_of = make_group_loader(db, schedules.find_by_stages, lambda row: row.stage_id)
        self.dependency = make_id_loader(db, stages.find_dependencies)
        self.dependencies_of = make_group_loader(
            db, stages.list_dependencies, lambda row: row.campaign_id
        )

    async def _summaries(
        self, wanted: list[summaries.WantedSummary]
    ) -> list[summaries.Summary | None]:
        found = {row.key: row for row in await summaries.request_summaries(self.db, wanted)}
        return [found.get(each.key) for each in wanted]

    async def _listings(self, dataset_ids: list[int]) -> list[listings.DatasetListing | None]:
        newest = await listings.find_newest(self.db, dataset_ids)
        found = {row.dataset_id: row for row in newest}
        return [found.get(id_) for id_ in dataset_ids]
