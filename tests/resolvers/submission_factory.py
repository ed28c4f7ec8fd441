"""Stages, submissions and jobs in all kinds of states, for tests of what shows and moves them."""

from dataclasses import dataclass
from typing import Any

from db import changes
from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from db.submissions.submissions import Submission
from tests.factories import Factory
from tests.forced_states import force_state


@dataclass
class SubmissionFactory:
    """Experiment `hypot` with campaign `toy`: stage `gen` feeds `reco`, which has 10 files of its own."""

    plant: Factory
    gen: int
    reco: int

    @classmethod
    async def make(cls, db: Pool) -> "SubmissionFactory":
        plant = await Factory.make(db)
        gen = await plant.stage("gen", ["true"], kind="generator", jobs_per_slice=3)
        raw = await plant.dataset("raw")
        await plant.rows(raw, 10)
        reco = await plant.stage("reco", ["true"], dataset_id=raw, split="nfiles(4)")
        await plant.edge(gen, reco, ["*"])
        await plant.edge(gen, gen, [])
        return cls(plant, gen, reco)

    @staticmethod
    async def make_other(db: Pool) -> int:
        """A generator in another campaign of the experiment."""
        plant = await Factory.make_campaign(db, "other")
        return await plant.stage("alone", ["true"], kind="generator")

    async def submission(self, stage_id: int, state: str = "new", **columns: Any) -> Submission:
        """Launch the next slice of a stage, and put the submission into a state."""
        db = self.plant.db
        found = await slices.launch_next(db, stage_id, LaunchRequest(self.plant.person_id))
        assert found.submission is not None, found
        also = "".join(f", {name} = ${n}" for n, name in enumerate(columns, 2))
        id = found.submission.id
        await force_state(db, state, "id = $1", id, *columns.values(), also=also)
        await self.tell()
        return found.submission

    async def tell(self) -> None:
        """Give all changes their positions."""
        while await changes.relay_batch(self.plant.db, 1000):
            pass

    async def fail(self, submission_id: int, number: int, log: str, **columns: Any) -> None:
        """Let one job fail."""
        columns = {"state": "failed", "reason": "exit", "exit_code": 1, "log_tail": log, **columns}
        sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(columns, 3))
        await self.plant.db.execute(
            f"UPDATE job SET {sets} WHERE submission_id = $1 AND number = $2",
            submission_id, number, *columns.values(),
        )  # fmt: skip
