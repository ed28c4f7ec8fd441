"""What is loaded in batches beside the configuration: submissions and what belongs to them."""

from dataclasses import dataclass, field

from strawberry.dataloader import DataLoader

from db import actions, contents, listings, submissions
from schema.loaders import Loaders, by_id, grouped_by

Key = tuple[int, int]


@dataclass
class Loads(Loaders):
    """One loader for each noun."""

    submission: DataLoader[int, submissions.Submission | None] = field(init=False)
    slice: DataLoader[int, listings.Slice | None] = field(init=False)
    launch_attempts_of: DataLoader[int, list[listings.LaunchAttempt]] = field(init=False)
    actions_of: DataLoader[int, list[actions.Action]] = field(init=False)
    job: DataLoader[Key, contents.Job | None] = field(init=False)
    attempts_of: DataLoader[Key, list[contents.Attempt]] = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        db = self.db
        self.submission = by_id(db, submissions.by_ids)
        self.slice = by_id(db, listings.slices)
        self.launch_attempts_of = grouped_by(
            db, listings.launch_attempts, lambda row: row.submission_id
        )
        self.actions_of = grouped_by(db, actions.by_submissions, lambda row: row.submission_id)
        self.job = DataLoader(load_fn=self._jobs, cache=False)
        self.attempts_of = DataLoader(load_fn=self._attempts, cache=False)

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
