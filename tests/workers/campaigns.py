"""Campaigns for the tests of workers, and what must hold at their end whatever was killed in between."""

import json
from collections import Counter
from dataclasses import dataclass

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from tests.account_checks import expect_account_is_recount
from tests.factories import Factory
from tests.workers.house import House

RECOVERY = [{"type": "consumed_status", "rounds": 2}]
UNITS = 4


@dataclass
class TwoStageCampaign:
    """A generator and a stage that depends on it; one job of each fails the first time."""

    house: House
    plant: Factory
    generate: int
    process: int

    async def launch(self) -> int:
        outcome = await slices.launch_next(
            self.house.db, self.generate, LaunchRequest(self.plant.person_id)
        )
        assert outcome.submission is not None, outcome.why
        return outcome.submission.id

    async def is_done(self) -> bool:
        """Every input of the second stage is done, its outputs are located, and nothing goes on."""
        row = await self.house.db.fetchrow(
            "SELECT count(*) FILTER (WHERE i.outcome = 'done') AS done FROM input_file i"
        )
        going = await self.house.db.fetchval(
            "SELECT count(*) FROM submission WHERE ended_at IS NULL OR advanced_at IS NULL OR check_at IS NOT NULL"
        )
        return row is not None and row["done"] >= UNITS and not going

    async def check(self, starts: int = 1) -> None:
        """The final accounting: nothing lost, nothing twice; each job began at most so many times."""
        db = self.house.db
        done = [
            r["file_id"]
            for r in await db.fetch("SELECT file_id FROM input_file WHERE outcome = 'done'")
        ]
        assert Counter(Counter(done).values()) == {1: UNITS}
        outputs = await db.fetch(
            "SELECT s.stage_id, o.name, o.state, o.parents"
            "  FROM output_file o JOIN submission s ON s.id = o.submission_id"
        )
        live = [o for o in outputs if o["state"] in ("declared", "located")]
        assert all(o["state"] == "located" for o in live)
        made = [o for o in live if o["stage_id"] == self.generate]
        assert sorted(o["name"] for o in made) == [f"gen_{n}.txt" for n in range(UNITS)]
        parents = [p for o in live if o["stage_id"] == self.process for p in o["parents"]]
        assert sorted(parents) == sorted(done)
        seeds = [p.read_text() for p in self.house.stage_files(self.generate, "gen_*")]
        assert len(set(seeds)) == UNITS
        assert await db.fetchval("SELECT count(*) FROM live_file") == 0
        assert await db.fetchval("SELECT sum(unfinished) FROM stage") == 0
        await self.check_counters()
        await self.check_launches(starts)

    async def check_counters(self) -> None:
        """Kept counters are what they count."""
        rows = await self.house.db.fetch(
            """
            SELECT s.id,
                   (s.jobs_idle, s.jobs_running, s.jobs_held, s.jobs_succeeded, s.jobs_failed, s.jobs_removed)
                   = (SELECT count(*) FILTER (WHERE state = 'idle'), count(*) FILTER (WHERE state = 'running'),
                              count(*) FILTER (WHERE state = 'held'), count(*) FILTER (WHERE state = 'succeeded'),
                              count(*) FILTER (WHERE state = 'failed'), count(*) FILTER (WHERE state = 'removed')
                        FROM job WHERE submission_id = s.id) AS jobs,
                   (s.files, s.files_done, s.files_failed)
                   = (SELECT count(*), count(*) FILTER (WHERE outcome = 'done'),
                              count(*) FILTER (WHERE outcome = 'failed')
                        FROM input_file WHERE submission_id = s.id) AS files,
                   (s.outputs_declared, s.outputs_located, s.outputs_superseded, s.outputs_refused)
                   = (SELECT count(*) FILTER (WHERE state = 'declared'), count(*) FILTER (WHERE state = 'located'),
                              count(*) FILTER (WHERE state = 'superseded'), count(*) FILTER (WHERE state = 'refused')
                        FROM output_file WHERE submission_id = s.id) AS outputs
              FROM submission s
            """
        )
        assert all(r["jobs"] and r["files"] and r["outputs"] for r in rows), rows
        async with (
            self.house.db.acquire() as conn,
            conn.transaction(isolation="repeatable_read", readonly=True),
        ):
            await expect_account_is_recount(conn)

    async def check_launches(self, starts: int = 1) -> None:
        """By the payloads' own journals: one launch of each submission ran, each job in it so often at most."""
        adopted = await self.house.db.fetch(
            "SELECT submission_id, mark FROM launch_attempt WHERE state IN ('opened', 'confirmed')"
        )
        marks = {r["mark"]: r["submission_id"] for r in adopted}
        assert len(set(marks.values())) == len(marks)
        ran: Counter[tuple[int, str]] = Counter()
        for journal in (self.house.spool / "launches").glob("*/starts/*.jsonl"):
            mark = journal.parent.parent.name
            assert mark in marks, f"{mark} ran, and nobody adopted it"
            for line in journal.read_text().splitlines():
                ran[marks[mark], journal.stem] += bool(json.loads(line))
        assert max(ran.values(), default=0) <= starts, ran


async def make_two_stage_campaign(
    house: House, plant: Factory, **given: object
) -> TwoStageCampaign:
    generate = await plant.stage(
        "gen", house.job("gen", "2"), kind="generator", jobs_per_slice=UNITS,
        patterns=["gen_*"], recoveries=RECOVERY, **given,
    )  # fmt: skip
    dataset = await plant.dataset("stage:process")
    process = await plant.stage(
        "proc", house.job("proc", "3"), dataset_id=dataset, files_per_job=2,
        patterns=["proc_*"], recoveries=RECOVERY,
    )  # fmt: skip
    await plant.edge(generate, process, ["gen_*.txt"])
    return TwoStageCampaign(house, plant, generate, process)
