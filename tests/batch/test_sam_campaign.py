"""A campaign of launch scripts whose files SAM has: by POMS's names, projects and lineage, to its end."""

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from catalogs import CatalogFile
from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool as Database
from tests.batch.launch_script_fixture import KIND, allow_scripts_to_submit, build_user_prefix
from tests.batch.pools import Pool
from tests.batch.shared_house import OF_ITS_OWN, SMALL, SharedHouse
from tests.catalogs.sam_bench import SamBench
from tests.catalogs.sam_server import run_sam
from tests.catalogs.test_listed_by_workers import CREDENTIAL
from tests.factories import Factory
from tests.workers.house import wait_until

pytestmark = pytest.mark.parametrize("engine", ["htcondor"], indirect=True)

SCRIPT = """
import os, subprocess, sys
job, stage, bad = sys.argv[1], sys.argv[2], sys.argv[3:]
names = [n for n in os.environ if n.startswith(("SAM_", "POMS_VERSION", "POMS_DATASET", "PATH"))]
text = f'''
executable = /usr/bin/env
transfer_executable = false
should_transfer_files = NO
initialdir = /
arguments = python3 -I {job} {stage} {" ".join(bad)}
environment = "{" ".join(f"{n}={os.environ[n]}" for n in names)}"
request_memory = 100
request_disk = 1
queue {2 if "SAM_PROJECT_NAME" in os.environ else 1}
'''
print("I work on", os.environ["POMS_DATASET"], flush=True)
done = subprocess.run([*USER, "condor_submit", "-terse"], input=text, text=True, cwd="/")
sys.exit(done.returncode)
"""
CATALOG = """
    INSERT INTO catalog (experiment_id, name, kind, url, settings, credential_id)
    VALUES ($1, 'sam', 'sam', $2, '{}', $3) RETURNING id
"""
DATASET = """
    INSERT INTO dataset (experiment_id, name, catalog, catalog_id, definition, policy, list_at, owner_id, owning_role)
    VALUES ($1, 'raw', 'sam', $2, $3, 'once', now(), $4, 'production') RETURNING id
"""
FED = "UPDATE dataset SET name = 'stage:' || $1::bigint FROM stage s WHERE s.id = $1 AND dataset.id = s.dataset_id"
PROJECTS = """
    SELECT c.*, s.files, s.files_done FROM catalog_launch c JOIN submission s ON s.id = c.submission_id
     ORDER BY submission_id
"""


@pytest.fixture(scope="module")
def sam_url() -> Iterator[str]:
    with run_sam() as url:
        yield url


class SamCampaign:
    """Stages that are launched by scripts, each on what the one before has made; the first on a definition of SAM."""

    def __init__(self, house: SharedHouse, db: Database, pool: Pool, sam: SamBench) -> None:
        self.house, self.db, self.pool, self.sam = house, db, pool, sam

    async def make(
        self, stages: dict[str, list[str]], files: int, consumption: str = "project"
    ) -> None:
        """`stages` with the files that each can't do at first."""
        await self.db.execute(OF_ITS_OWN)
        self.plant = plant = await Factory.make(self.db)
        await self.sam.put_files(
            [CatalogFile(f"f{n}.root", 10, events=3, run=n) for n in range(files)]
        )
        secrets = self.house.tmp / "secrets"
        (secrets / f"e{plant.experiment_id}").mkdir(parents=True)
        (secrets / f"e{plant.experiment_id}/secret").write_text("ours\n")
        credential = await self.db.fetchval(
            CREDENTIAL, plant.experiment_id, plant.person_id, "token"
        )
        self.house.settings |= {
            "POMS_CREDENTIALS": str(secrets),
            "POMS_CATALOG_HOSTS": urlsplit(self.sam.url).netloc,
            "POMS_HTCONDOR_INTERVAL_S": "1",
        }
        catalog = await self.db.fetchval(CATALOG, plant.experiment_id, self.sam.base, credential)
        above: int | None = None
        self.stages: list[int] = []
        for name, bad in stages.items():
            dataset = (
                await plant.dataset(f"stage:{name}")
                if above
                else await self.db.fetchval(
                    DATASET, plant.experiment_id, catalog, self.sam.definition, plant.person_id
                )
            )
            stage = await plant.stage(
                name, self._command(name, bad), dataset_id=dataset, resources=SMALL,
                patterns=[f"{name}_%.root"], files_per_job=100,
                split="none" if above else "nfiles(3)", recoveries=[{"type": "consumed_status"}],
            )  # fmt: skip
            if above:
                await self.db.execute(FED, stage)
                await plant.edge(above, stage, [])
            above = stage
            self.stages.append(stage)
        await self.db.execute("UPDATE stage SET batch_system = 'htcondor', software_version = 'v1'")
        await self.db.execute(KIND, consumption)
        await allow_scripts_to_submit(self.house, self.db, self.pool, [])

    def _command(self, name: str, bad: list[str]) -> list[str]:
        script, job = self.house.programs / "submit.py", self.house.programs / "sam_job.py"
        script.write_text(f"USER = {build_user_prefix(self.pool)!r}\n{SCRIPT}")
        job.write_text((Path(__file__).parent / "sam_job.py").read_text())
        return [sys.executable, "-I", str(script), str(job), name, *bad]

    async def launch(self) -> int:
        asked = LaunchRequest(self.plant.person_id)
        outcome = await slices.launch_next(self.db, self.stages[0], asked)
        assert outcome.submission is not None, outcome.why
        return outcome.submission.id

    async def is_listed(self) -> bool:
        return bool(
            await self.db.fetchval("SELECT listed_at IS NOT NULL FROM dataset WHERE name = 'raw'")
        )

    async def is_settled(self) -> bool:
        left = "SELECT count(*) FROM submission WHERE ended_at IS NULL OR advanced_at IS NULL"
        return not await self.db.fetchval(left)


async def test_three_stages_run_to_their_end_with_a_recovery_by_the_names_of_poms(
    house: SharedHouse, db: Database, pool: Pool, sam_url: str
) -> None:
    async with SamBench(sam_url, "three") as sam:
        campaign = SamCampaign(house, db, pool, sam)
        await campaign.make({"gen": ["f1.root"], "reco": [], "ana": []}, 6)
        house.worker()
        await wait_until(campaign.is_listed, "the listing", house)
        first = await campaign.launch()
        await wait_until(campaign.is_settled, "the end of all", house, within=240)
        rows = await db.fetch(
            "SELECT id, stage_id, origin_id, state, reason FROM submission ORDER BY id"
        )
        gen, reco, ana = campaign.stages
        assert [(row["stage_id"], row["origin_id"]) for row in rows] == [
            (gen, None), (gen, first), (reco, None), (ana, None),
        ]  # fmt: skip
        assert {row["state"] for row in rows} == {"located"}, [tuple(row) for row in rows]

        ids = [row["id"] for row in rows]
        names = [
            f"raw_slice1_stage{gen}", f"poms_recover_{first}_1", f"poms_depends_{first}_1",
            f"poms_depends_{ids[2]}_1",
        ]  # fmt: skip
        projects = await db.fetch(PROJECTS)
        assert [row["name"] for row in projects] == names
        assert [row["state"] for row in projects] == ["concluded"] * 4
        assert [(row["consumed"], row["failed"]) for row in projects] == [
            (2, 1), (1, 0), (3, 0), (3, 0),
        ]  # fmt: skip
        assert [(row["files"], row["files_done"]) for row in projects] == [
            (3, 2),
            (1, 1),
            (3, 3),
            (3, 3),
        ]

        said = (await sam.call("GET", "/definitions/list")).text.split()
        assert set(names) < set(said)
        made = await db.fetch(
            "SELECT name, catalog, size, events, location FROM file WHERE name LIKE 'ana%' ORDER BY 1"
        )
        assert [tuple(row) for row in made] == [
            (
                f"ana_reco_gen_f{n}.root",
                "sam",
                10 + len(f"reco_gen_f{n}.root"),
                5,
                f"dcache:/pnfs/ana_reco_gen_f{n}.root",
            )
            for n in range(3)
        ]
        output = await db.fetch("SELECT text FROM launch_output ORDER BY submission_id, sequence")
        told = "".join(row["text"] for row in output)
        assert all(f"I work on {name}\n" in told for name in names)


async def test_with_exit_codes_alone_each_stage_finds_what_the_one_before_has_made(
    house: SharedHouse, db: Database, pool: Pool, sam_url: str
) -> None:
    async with SamBench(sam_url, "alone") as sam:
        campaign = SamCampaign(house, db, pool, sam)
        await campaign.make({"gen": [], "reco": [], "ana": []}, 3, "exit_code")
        house.worker()
        await wait_until(campaign.is_listed, "the listing", house)
        first = await campaign.launch()
        await wait_until(campaign.is_settled, "the end of all", house, within=240)
        rows = await db.fetch("SELECT id, stage_id, state FROM submission ORDER BY id")
        assert [(row["stage_id"], row["state"]) for row in rows] == [
            (stage, "located") for stage in campaign.stages
        ]
        names = [
            f"raw_slice1_stage{campaign.stages[0]}", f"poms_depends_{first}_1",
            f"poms_depends_{rows[1]['id']}_1",
        ]  # fmt: skip
        launches = await db.fetch(PROJECTS)
        assert [(row["name"], row["project"]) for row in launches] == [(n, "") for n in names]
        for name, prefix in zip(names, ["", "gen_", "reco_gen_"], strict=True):
            listed = (await sam.call("GET", f"/definitions/name/{name}/files/list")).text.split()
            assert listed == [f"{prefix}f{n}.root" for n in range(3)]
        made = (await sam.call("GET", "/files/list?dims=file_name ana%")).text.split()
        assert made == [f"ana_reco_gen_f{n}.root" for n in range(3)]
