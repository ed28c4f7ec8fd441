"""Stages, submissions and jobs in all kinds of states, for tests of what shows and moves them."""

from dataclasses import dataclass
from typing import Any

from db import changes, slices
from db.pool import Pool
from db.submissions import Submission
from db.taking import Asked
from tests.plant import Plant


@dataclass
class Work:
    """Experiment `hypot` with campaign `toy`: stage `gen` feeds `reco`, which has 10 files of its own."""

    plant: Plant
    gen: int
    reco: int

    @classmethod
    async def make(cls, db: Pool) -> "Work":
        plant = await Plant.make(db)
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
        plant = await Plant.make_campaign(db, "other")
        return await plant.stage("alone", ["true"], kind="generator")

    async def submission(self, stage_id: int, state: str = "new", **columns: Any) -> Submission:
        """Launch the next slice of a stage, and put the submission into a state."""
        db = self.plant.db
        found = await slices.launch_next(db, stage_id, Asked(self.plant.person_id))
        assert found.submission is not None, found
        columns = {"state": state, **columns}
        sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(columns, 2))
        await db.execute(
            f"UPDATE submission SET {sets} WHERE id = $1", found.submission.id, *columns.values()
        )
        await self.tell()
        return found.submission

    async def tell(self) -> None:
        """Give all changes their positions."""
        while await changes.relay(self.plant.db, 1000):
            pass

    async def fail(self, submission_id: int, number: int, log: str, **columns: Any) -> None:
        """Let one job fail."""
        columns = {"state": "failed", "reason": "exit", "exit_code": 1, "log_tail": log, **columns}
        sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(columns, 3))
        await self.plant.db.execute(
            f"UPDATE job SET {sets} WHERE submission_id = $1 AND number = $2",
            submission_id, number, *columns.values(),
        )  # fmt: skip
