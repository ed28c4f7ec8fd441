"""A house whose folders and commands another user can reach: who runs a pool's jobs."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from batch import BatchSystem
from db.migrate import migrate
from db.pool import Pool as Database
from db.pool import open_pool
from tests.plant import Plant
from tests.workers.campaigns import Two, two
from tests.workers.chaos import Chaos
from tests.workers.house import ROOT, House
from tests.workers.passing import Rarer
from tests.workers.services import Services

OF_ITS_OWN = "UPDATE change_head SET history_id = gen_random_uuid()"
"""The tests' databases are clones; without this their marks in the one pool would be the same."""
ON = "UPDATE stage SET batch_system = $1"
SMALL = {"memory_mb": 100, "disk_mb": 1}


@dataclass
class Shared(House):
    settings: dict[str, str] = field(default_factory=dict)

    def job(self, *words: str) -> list[str]:
        return ["python3", *super().job(*words)[1:]]

    def worker(self, kill_at: str = "", **settings: str) -> subprocess.Popen[bytes]:
        before = os.umask(0)
        try:
            return super().worker(kill_at, **self.settings, **settings)
        finally:
            os.umask(before)


async def campaign_on(batch_system: str, house: Shared, db: Database) -> Two:
    """The campaign of two stages, on another batch system."""
    await db.execute(OF_ITS_OWN)
    campaign = await two(house, await Plant.make(db), resources=SMALL)
    await db.execute(ON, batch_system)
    return campaign


async def chaos_on(
    system: BatchSystem,
    services: Services,
    folder: Path,
    given: dict[str, str],
    seed: int,
    within_s: float,
) -> Chaos:
    """A house of its own on a pool, to be maltreated; `given` are the settings by which workers find the pool."""
    await migrate(services.cluster.dsn())
    db = await open_pool(services.cluster.dsn())
    (folder / "store").mkdir(parents=True)
    (folder / "store").chmod(0o777)
    house = Shared(db, services.cluster.dsn(), services.server.url, folder, settings=given)
    plant = await Plant.make(db)
    stage = await plant.stage(
        "quick", ["/bin/true"], kind="generator", patterns=[], resources=SMALL
    )
    await db.execute(ON, system.name)
    settings = {"POMS_RECONCILE_S": "2", "POMS_LAUNCH_LEASE_S": "8"}
    rarer = await Rarer.make(house, plant, system.name)
    return Chaos(seed, house, services, plant, stage, rarer, system, settings, within_s=within_s)


def run_the_example(home: Path, batch_system: str, settings: dict[str, str]) -> None:
    """What `make run` does, its jobs on another batch system; exactly right in the end."""
    for name in ("spool", "store"):
        (home / name).mkdir(parents=True)
        (home / name).chmod(0o777)
    ours = {"POMS_HOME": str(home), "POMS_PORT": "0", "POMS_EXAMPLE_BATCH_SYSTEM": batch_system}
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
    assert re.search(r"merge +\d+ +216 +216 +0 ", text), text
