"""Plants experiments, stages and files into a database, for tests of what works on them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db.pool import Pool

PERSON = "INSERT INTO person (username) VALUES ($1) ON CONFLICT (username) DO UPDATE SET name = '' RETURNING id"
EXPERIMENT = "INSERT INTO experiment (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET title = '' RETURNING id"
MEMBERSHIP = "INSERT INTO membership VALUES ($1, $2, 'production') ON CONFLICT DO NOTHING"
HOST = "INSERT INTO launch_host (experiment_id, name) VALUES ($1, 'here') RETURNING id"
ACCOUNT = "UPDATE launch_host SET account = 'nobody' WHERE id = $1"
SETUP = """
    INSERT INTO login_setup (experiment_id, name, launch_host_id, owner_id, owning_role)
    VALUES ($1, 'setup', $2, $3, 'production') RETURNING id
"""
CAMPAIGN = """
    INSERT INTO campaign (experiment_id, name, owner_id, owning_role, revision)
    VALUES ($1, $2, $3, 'production', 1) RETURNING id
"""
JOB_TYPE = """
    INSERT INTO job_type (experiment_id, name, command, patterns, recoveries, resources, owner_id, owning_role)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 'production') RETURNING id
"""
STAGE = """
    INSERT INTO stage (experiment_id, campaign_id, name, kind, job_type_id, login_setup_id, dataset_id, split,
                       parameter_lists, files_per_job, bytes_per_job, jobs_per_slice, events_per_job, completion,
                       completion_pct, most_unfinished)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) RETURNING id
"""
DATASET = """
    INSERT INTO dataset (experiment_id, name, owner_id, owning_role) VALUES ($1, $2, $3, 'production') RETURNING id
"""
FILES = """
    WITH made AS (
        INSERT INTO file (experiment_id, name, size, checksum, location)
        SELECT $1, n, s, c, l FROM unnest($3::text[], $4::bigint[], $5::text[], $6::text[]) AS x (n, s, c, l)
        RETURNING id
    ), numbered AS (
        SELECT id, row_number() OVER (ORDER BY id) - 1 AS k FROM made
    ), grown AS (
        UPDATE dataset SET head = head + (SELECT count(*) FROM made) WHERE id = $2 RETURNING old.head AS first
    )
    INSERT INTO dataset_file (dataset_id, ordinal, file_id) SELECT $2, first + k, id FROM numbered, grown
"""
KNOWN = """
    WITH dataset AS (
        UPDATE dataset SET head = head + (SELECT count(*) FROM jsonb_array_elements($3)) WHERE id = $2
        RETURNING id, old.head
    ), made AS (
        INSERT INTO file (experiment_id, name, size, checksum, events, run, metadata, location)
        SELECT $1, 'k' || head + k - 1, x.size, x.checksum, x.events, x.run, coalesce(x.metadata, '{}'), ''
          FROM dataset, ROWS FROM (jsonb_to_recordset($3)
                                   AS (size bigint, checksum text, events bigint, run int, metadata jsonb))
               WITH ORDINALITY AS x (size, checksum, events, run, metadata, k)
        RETURNING id
    )
    INSERT INTO dataset_file (dataset_id, ordinal, file_id)
    SELECT dataset.id, head + row_number() OVER (ORDER BY made.id) - 1, made.id FROM dataset, made
"""
DEPENDENCY = """
    INSERT INTO dependency (campaign_id, upstream_id, downstream_id, patterns) VALUES ($1, $2, $3, $4) RETURNING id
"""


@dataclass
class Factory:
    """One experiment with one campaign, to which stages are added."""

    db: Pool
    experiment_id: int
    person_id: int
    setup_id: int
    campaign_id: int
    count: int = 0

    @classmethod
    async def make(
        cls, db: Pool, experiment: str = "hypot", campaign: str = "toy", *, is_old: bool = False
    ) -> "Factory":
        """`is_old`: the database knows only what its first version knew."""
        person = await db.fetchval(PERSON, "anna")
        exp = await db.fetchval(EXPERIMENT, experiment)
        await db.execute(MEMBERSHIP, person, exp)
        host = await db.fetchval(HOST, exp)
        if not is_old:
            await db.execute(ACCOUNT, host)
        setup = await db.fetchval(SETUP, exp, host, person)
        found = await db.fetchval(CAMPAIGN, exp, campaign, person)
        return cls(db, exp, person, setup, found)

    @classmethod
    async def make_campaign(cls, db: Pool, name: str) -> "Factory":
        """Another campaign beside the one that is there."""
        found = await db.fetchrow("SELECT experiment_id, owner_id, id FROM login_setup LIMIT 1")
        assert found is not None
        made = await db.fetchval(CAMPAIGN, found["experiment_id"], name, found["owner_id"])
        return cls(db, found["experiment_id"], found["owner_id"], found["id"], made)

    async def stage(self, name: str, command: list[str], **given: Any) -> int:
        """Add a stage; `given` are columns of the stage or of its job type."""
        job_type = await self.db.fetchval(
            JOB_TYPE, self.experiment_id, name, command, given.get("patterns", ["*"]),
            given.get("recoveries", []), given.get("resources", {}), self.person_id,
        )  # fmt: skip
        id: int = await self.db.fetchval(
            STAGE, self.experiment_id, self.campaign_id, name, given.get("kind", "regular"), job_type,
            self.setup_id, given.get("dataset_id"), given.get("split", "none"), given.get("parameter_lists", []),
            given.get("files_per_job", 1), given.get("bytes_per_job"), given.get("jobs_per_slice", 1),
            given.get("events_per_job"),
            given.get("completion", "located"), given.get("completion_pct", 100), given.get("most_unfinished"),
        )  # fmt: skip
        return id

    async def dataset(self, name: str) -> int:
        id: int = await self.db.fetchval(DATASET, self.experiment_id, name, self.person_id)
        return id

    async def rows(self, dataset_id: int, number: int) -> None:
        """Files of which only the catalog knows."""
        names = [f"f{self.count + n:06}" for n in range(number)]
        self.count += number
        zero = [0] * number
        await self.db.execute(
            FILES, self.experiment_id, dataset_id, names, zero, [None] * number, names
        )

    async def add_known_files(self, dataset_id: int, *files: dict[str, Any]) -> None:
        """Files of which the catalog knows size, checksum, events, run, metadata."""
        sized = [{"size": 0, **file} for file in files]
        await self.db.execute(KNOWN, self.experiment_id, dataset_id, sized)

    async def files(self, dataset_id: int, folder: Path, texts: dict[str, str]) -> None:
        """Real files in a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text)
        sums = ["sha256:" + hashlib.sha256(t.encode()).hexdigest() for t in texts.values()]
        places = [str(folder / name) for name in texts]
        sizes = [len(t.encode()) for t in texts.values()]
        await self.db.execute(
            FILES, self.experiment_id, dataset_id, list(texts), sizes, sums, places
        )

    async def edge(self, upstream: int, downstream: int, patterns: list[str]) -> int:
        id: int = await self.db.fetchval(
            DEPENDENCY, self.campaign_id, upstream, downstream, patterns
        )
        return id
