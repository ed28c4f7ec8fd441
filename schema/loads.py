"""What is loaded in batches beside the configuration: submissions and what belongs to them."""

from dataclasses import dataclass, field

from strawberry.dataloader import DataLoader

from db.launching import (
    catalog_launches,
    launch_approvals,
    launch_holds,
    launch_rights,
    launches,
    queue,
)
from db.launching.launch_holds import HoldScope
from db.recovery import recovery_attempts
from db.requests import decisions, requests
from db.setup import uploads
from db.submissions import (
    accounts,
    actions,
    clusters,
    job_listings,
    submission_listings,
    submissions,
)
from domain.launching.queue import MissingApproval, QueueFacts, UnauthorisedLauncher
from schema.loaders import SetupLoaders, make_group_loader, make_id_loader

Key = tuple[int, int]


@dataclass
class AllLoaders(SetupLoaders):
    """One loader for each noun."""

    submission: DataLoader[int, submissions.Submission | None] = field(init=False)
    slice: DataLoader[int, submission_listings.Slice | None] = field(init=False)
    launch_attempts_of: DataLoader[int, list[launches.LaunchAttempt]] = field(init=False)
    catalog_launch_of: DataLoader[int, list[catalog_launches.CatalogLaunch]] = field(init=False)
    clusters_of: DataLoader[int, list[clusters.Cluster]] = field(init=False)
    actions_of: DataLoader[int, list[actions.Action]] = field(init=False)
    uploads_of: DataLoader[int, list[uploads.TakenUpload]] = field(init=False)
    recovery_attempts_of: DataLoader[int, list[recovery_attempts.RecoveryAttempt]] = field(
        init=False
    )
    request: DataLoader[int, requests.Request | None] = field(init=False)
    request_decisions_of: DataLoader[int, list[decisions.RequestDecision]] = field(init=False)
    account_of_stage: DataLoader[tuple[int, bool], accounts.Account | None] = field(init=False)
    account_of_campaign: DataLoader[tuple[int, bool], accounts.Account | None] = field(init=False)
    """Both of (id, of tests)."""
    account_of_family: DataLoader[int, accounts.Account | None] = field(init=False)
    job: DataLoader[Key, job_listings.Job | None] = field(init=False)
    attempts_of: DataLoader[Key, list[job_listings.JobStart]] = field(init=False)
    holds_of: DataLoader[HoldScope, list[launch_holds.LaunchHold]] = field(init=False)
    facts_of: DataLoader[int, QueueFacts | None] = field(init=False)
    position_of: DataLoader[int, int | None] = field(init=False)
    launcher_of: DataLoader[int, UnauthorisedLauncher | None] = field(init=False)
    missing_approval_of: DataLoader[int, MissingApproval | None] = field(init=False)
    """In whose name a submission waits, where they may not launch it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        db = self.db
        self.submission = make_id_loader(db, submissions.find_by_ids)
        self.slice = make_id_loader(db, submission_listings.find_slices)
        self.launch_attempts_of = make_group_loader(
            db, launches.list_by_submissions, lambda row: row.submission_id
        )
        self.catalog_launch_of = make_group_loader(
            db, catalog_launches.find_by_submissions, lambda row: row.submission_id
        )
        self.clusters_of = make_group_loader(
            db, clusters.list_by_submissions, lambda row: row.submission_id
        )
        self.actions_of = make_group_loader(
            db, actions.list_by_submissions, lambda row: row.submission_id
        )
        self.uploads_of = make_group_loader(
            db, uploads.list_by_submissions, lambda row: row.submission_id
        )
        self.recovery_attempts_of = make_group_loader(
            db, recovery_attempts.list_by_origins, lambda row: row.origin_id
        )
        self.request = make_id_loader(db, requests.find_by_ids)
        self.request_decisions_of = make_group_loader(
            db, decisions.list_by_requests, lambda row: row.request_id
        )
        self.account_of_stage = DataLoader(load_fn=self._stage_accounts, cache=False)
        self.account_of_campaign = DataLoader(load_fn=self._campaign_accounts, cache=False)
        self.account_of_family = make_id_loader(db, accounts.list_by_families)
        self.job = DataLoader(load_fn=self._jobs, cache=False)
        self.attempts_of = DataLoader(load_fn=self._attempts, cache=False)
        self.holds_of = DataLoader(load_fn=self._holds, cache=False)
        self.facts_of = DataLoader(load_fn=self._facts, cache=False)
        self.position_of = DataLoader(load_fn=self._positions, cache=False)
        self.launcher_of = DataLoader(load_fn=self._launchers, cache=False)
        self.missing_approval_of = DataLoader(load_fn=self._missing_approvals, cache=False)

    async def _stage_accounts(self, keys: list[tuple[int, bool]]) -> list[accounts.Account | None]:
        return await self._accounts(accounts.list_by_stages, keys)

    async def _campaign_accounts(
        self, keys: list[tuple[int, bool]]
    ) -> list[accounts.Account | None]:
        return await self._accounts(accounts.list_by_campaigns, keys)

    async def _accounts(
        self, fetch: accounts.ListAccounts, keys: list[tuple[int, bool]]
    ) -> list[accounts.Account | None]:
        found = {
            (row.id, is_test): row
            for is_test in {is_test for _, is_test in keys}
            for row in await fetch(self.db, [id for id, test in keys if test is is_test], is_test)
        }
        return [found.get(key) for key in keys]

    async def _jobs(self, keys: list[Key]) -> list[job_listings.Job | None]:
        found = {
            (row.submission_id, row.number): row
            for row in await job_listings.find_jobs(self.db, keys)
        }
        return [found.get(key) for key in keys]

    async def _attempts(self, keys: list[Key]) -> list[list[job_listings.JobStart]]:
        found: dict[Key, list[job_listings.JobStart]] = {key: [] for key in keys}
        for row in await job_listings.list_attempts(self.db, keys):
            found[row.submission_id, row.number].append(row)
        return [found[key] for key in keys]

    async def _holds(self, keys: list[HoldScope]) -> list[list[launch_holds.LaunchHold]]:
        active = await launch_holds.list_active(self.db)
        return [[hold for hold in active if hold.holds(what)] for what in keys]

    async def _facts(self, stage_ids: list[int]) -> list[QueueFacts | None]:
        found = await queue.read_facts(self.db, stage_ids, queue.FIRST)
        return [found.get(id) for id in stage_ids]

    async def _positions(self, ids: list[int]) -> list[int | None]:
        found = await queue.find_positions(self.db, ids)
        return [found.get(id) for id in ids]

    async def _launchers(self, ids: list[int]) -> list[UnauthorisedLauncher | None]:
        found = await launch_rights.find_lacks(self.db, ids)
        return [found.get(id) for id in ids]

    async def _missing_approvals(self, ids: list[int]) -> list[MissingApproval | None]:
        found = await launch_approvals.find_lacks(self.db, ids)
        return [found.get(id) for id in ids]
