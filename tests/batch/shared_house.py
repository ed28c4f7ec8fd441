"""A house whose folders and commands another user can reach: who runs a pool's jobs."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from batch import BatchSystem
from db.migrate import apply_migrations
from db.pool import Pool as Database
from db.pool import open_pool
from tests.factories import Factory
from tests.small_disks import SmallDisk
from tests.workers.accidents import place_on_disks
from tests.workers.campaigns import TwoStageCampaign, make_two_stage_campaign
from tests.workers.chaos import Chaos
from tests.workers.house import ROOT, House
from tests.workers.kill_point_scenarios import RareStage
from tests.workers.services import Services

EXAMPLE_FILES = 24
"""Of the example as it runs on other batch systems, where its jobs take longer to begin."""

OF_ITS_OWN = "UPDATE change_head SET history_id = gen_random_uuid()"
"""The tests' databases are clones; without this their marks in the one pool would be the same."""
ON = "UPDATE stage SET batch_system = $1"
SMALL = {"memory_mb": 100, "disk_mb": 1}


@dataclass
class SharedHouse(House):
    umask: int = 0

    def job(self, *words: str) -> list[str]:
        return ["python3", *super().job(*words)[1:]]


HOSTILE = """ICARUS _Fake, $HOME/../x "y" 'z' %(a)s"""
"""What a campaign and its stages may be called."""


async def make_campaign(batch_system: str, house: SharedHouse, db: Database) -> TwoStageCampaign:
    """The campaign of two stages, on another batch system; its names are as bad as names can be."""
    await db.execute(OF_ITS_OWN)
    plant = await Factory.make(db, campaign=HOSTILE)
    campaign = await make_two_stage_campaign(house, plant, resources=SMALL)
    await db.execute("UPDATE stage SET name = $1 || name", HOSTILE)
    await db.execute(ON, batch_system)
    return campaign


async def make_chaos(
    system: BatchSystem,
    services: Services,
    folder: Path,
    given: dict[str, str],
    seed: int,
    within_s: float,
    disks: Mapping[str, SmallDisk],
) -> Chaos:
    """A house of its own on a pool, to be maltreated; `given` are the settings by which workers find the pool."""
    await apply_migrations(services.cluster.dsn())
    db = await open_pool(services.cluster.dsn())
    folder.mkdir()
    place_on_disks(folder, disks)
    (folder / "store").mkdir(exist_ok=True)
    (folder / "store").chmod(0o777)
    house = SharedHouse(db, services.cluster.dsn(), services.server.url, folder, settings=given)
    plant = await Factory.make(db)
    settings = {"POMS_RECONCILE_S": "2", "POMS_LAUNCH_LEASE_S": "8", "POMS_SILENT_S": "5"}
    rarer = await RareStage.make(house, plant, system.name)
    chaos = Chaos(seed, house, services, plant, rarer, system, settings, within_s=within_s)
    chaos.disks = disks
    return chaos


def run_the_example(home: Path, batch_system: str, settings: dict[str, str]) -> None:
    """What `make run` does, its jobs on another batch system; exactly right in the end."""
    for name in ("spool", "store"):
        (home / name).mkdir(parents=True)
        (home / name).chmod(0o777)
    ours = {"POMS_HOME": str(home), "POMS_PORT": "0", "POMS_EXAMPLE_BATCH_SYSTEM": batch_system}
    ours["POMS_EXAMPLE_JOBS"] = str(EXAMPLE_FILES // 4)
    service = subprocess.Popen(
        [sys.executable, "-m", "up"],
        cwd=ROOT,
        env=os.environ | settings | ours | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
        umask=0,
    )
    assert service.stdout is not None
    said = []
    try:
        for line in service.stdout:
            said.append(line)
            if line.startswith("It runs until"):
                break
    finally:
        service.send_signal(signal.SIGINT)
        rest = service.communicate(timeout=60)[0]
    text = "".join(said) + rest
    assert "agree exactly" in text, text
    assert "exit code" not in text, text
    assert re.search(rf"merge +\d+ +{EXAMPLE_FILES} +{EXAMPLE_FILES} +100 +0 ", text), text
