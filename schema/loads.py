"""What is loaded in batches beside the configuration: submissions and what belongs to them."""

from dataclasses import dataclass, field

from strawberry.dataloader import DataLoader

from db import actions, clusters, contents, holds, launches, listings, queue, submissions, tries
from db.holds import Held
from domain.queue import Facts
from schema.loaders import Loaders, by_id, grouped_by

Key = tuple[int, int]


@dataclass
class Loads(Loaders):
    """One loader for each noun."""

    submission: DataLoader[int, submissions.Submission | None] = field(init=False)
    slice: DataLoader[int, listings.Slice | None] = field(init=False)
    launch_attempts_of: DataLoader[int, list[launches.LaunchAttempt]] = field(init=False)
    clusters_of: DataLoader[int, list[clusters.Cluster]] = field(init=False)
    actions_of: DataLoader[int, list[actions.Action]] = field(init=False)
    tries_of: DataLoader[int, list[tries.Try]] = field(init=False)
    job: DataLoader[Key, contents.Job | None] = field(init=False)
    attempts_of: DataLoader[Key, list[contents.Attempt]] = field(init=False)
    holds_of: DataLoader[Held, list[holds.LaunchHold]] = field(init=False)
    facts_of: DataLoader[int, Facts | None] = field(init=False)
    position_of: DataLoader[int, int | None] = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        db = self.db
        self.submission = by_id(db, submissions.by_ids)
        self.slice = by_id(db, listings.slices)
        self.launch_attempts_of = grouped_by(
            db, launches.by_submissions, lambda row: row.submission_id
        )
        self.clusters_of = grouped_by(db, clusters.by_submissions, lambda row: row.submission_id)
        self.actions_of = grouped_by(db, actions.by_submissions, lambda row: row.submission_id)
        self.tries_of = grouped_by(db, tries.of_origins, lambda row: row.origin_id)
        self.job = DataLoader(load_fn=self._jobs, cache=False)
        self.attempts_of = DataLoader(load_fn=self._attempts, cache=False)
        self.holds_of = DataLoader(load_fn=self._holds, cache=False)
        self.facts_of = DataLoader(load_fn=self._facts, cache=False)
        self.position_of = DataLoader(load_fn=self._positions, cache=False)

    async def _jobs(self, keys: list[Key]) -> list[contents.Job | None]:
        found = {
            (row.submission_id, row.number): row
            for row in await contents.jobs_by_keys(self.db, keys)
        }
        return [found.get(key) for key in keys]

    async def _attempts(self, keys: list[Key]) -> list[list[contents.Attempt]]:
        found: dict[Key, list[contents.Attempt]] = {key: [] for key in keys}
        for row in await contents.attempts(self.db, keys):
            found[row.submission_id, row.number].append(row)
        return [found[key] for key in keys]

    async def _holds(self, keys: list[Held]) -> list[list[holds.LaunchHold]]:
        active = await holds.active(self.db)
        return [[hold for hold in active if hold.holds(what)] for what in keys]

    async def _facts(self, stage_ids: list[int]) -> list[Facts | None]:
        found = await queue.facts(self.db, stage_ids, queue.FIRST)
        return [found.get(id) for id in stage_ids]

    async def _positions(self, ids: list[int]) -> list[int | None]:
        found = await queue.positions(self.db, ids)
        return [found.get(id) for id in ids]
