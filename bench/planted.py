"""One experiment with one campaign, launched by our own statements into an empty database."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import auth
from bench.machines import SECRET
from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from db.submissions.submissions import Submission

WHO = "anna"
PAGE = 100_000
HOUSE = """
    WITH e AS (
        INSERT INTO experiment (name) VALUES ('hypot') RETURNING id
    ), p AS (
        INSERT INTO person (username) VALUES ('anna') RETURNING id
    ), m AS (
        INSERT INTO membership (person_id, experiment_id, role) SELECT p.id, e.id, 'production' FROM p, e
    ), h AS (
        INSERT INTO launch_host (experiment_id, name) SELECT id, 'here' FROM e RETURNING id
    ), l AS (
        INSERT INTO login_setup (experiment_id, name, launch_host_id, owner_id, owning_role)
        SELECT e.id, 'setup', h.id, p.id, 'production' FROM e, p, h RETURNING id
    ), c AS (
        INSERT INTO campaign (experiment_id, name, owner_id, owning_role, revision)
        SELECT e.id, 'mc', p.id, 'production', 1 FROM e, p RETURNING id
    ), t AS (
        INSERT INTO job_type (experiment_id, name, command, parameters, patterns, resources, owner_id, owning_role)
        SELECT e.id, 'reco', ARRAY['run_reco', '--fast'], '[["-c", "reco.fcl"], ["-n", "1000"]]', ARRAY['*.root'],
               '{"cpus": 1, "memory_mb": 2000, "disk_mb": 10000, "walltime_s": 28800}', p.id, 'production'
          FROM e, p RETURNING id
    )
    SELECT e.id, p.id, l.id, c.id, t.id FROM e, p, l, c, t
"""
DATASET = """
    INSERT INTO dataset (experiment_id, name, owner_id, owning_role, head) VALUES ($1, 'raw', $2, 'production', $3)
    RETURNING id
"""
FILES = """
    WITH made AS (
        INSERT INTO file (experiment_id, name, size, checksum, location)
        SELECT $1, format('raw_%s.root', n), 1000, format('sha256:%s', md5(n::text)), format('/store/raw_%s.root', n)
          FROM generate_series($3::bigint + 1, $4::bigint) n
        RETURNING id
    )
    INSERT INTO dataset_file (dataset_id, ordinal, file_id)
    SELECT $2, $3 + row_number() OVER (ORDER BY id) - 1, id FROM made
"""
STAGE = """
    INSERT INTO stage (experiment_id, campaign_id, name, kind, job_type_id, login_setup_id, dataset_id, split,
                       jobs_per_slice)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id
"""


@dataclass(frozen=True, slots=True)
class PlantedRows:
    """What was planted."""

    db: Pool
    experiment_id: int
    person_id: int
    setup_id: int
    campaign_id: int
    job_type_id: int

    @classmethod
    async def make(cls, db: Pool) -> "PlantedRows":
        row = await db.fetchrow(HOUSE)
        assert row is not None
        return cls(db, *row)

    async def reco(self, files: int, per_slice: int) -> int:
        """A stage that works on files, one in each job."""
        dataset_id = await self.db.fetchval(DATASET, self.experiment_id, self.person_id, files)
        for low in range(0, files, PAGE):
            high = min(low + PAGE, files)
            await self.db.execute(FILES, self.experiment_id, dataset_id, low, high)
        return await self.stage("reco", "regular", dataset_id, f"nfiles({per_slice})", 1)

    async def gen(self) -> int:
        """A generator of ten jobs in each slice."""
        return await self.stage("gen", "generator", None, "none", 10)

    async def stage(
        self, name: str, kind: str, dataset_id: int | None, split: str, jobs: int
    ) -> int:
        found: int = await self.db.fetchval(
            STAGE, self.experiment_id, self.campaign_id, name, kind, self.job_type_id,
            self.setup_id, dataset_id, split, jobs,
        )  # fmt: skip
        return found

    async def submission(self, stage_id: int) -> Submission:
        """Launch the next slice of a stage."""
        found = await slices.launch_next(self.db, stage_id, LaunchRequest(self.person_id))
        assert found.submission is not None, found
        return found.submission


def make_token() -> str:
    """With which the planted person signs in."""
    return auth.LocalTokens(SECRET).issue(WHO, timedelta(hours=1), datetime.now(UTC))
