"""A house whose folders and commands another user can reach: who runs a pool's jobs."""

import os
import subprocess
from dataclasses import dataclass, field

from db.pool import Pool as Database
from tests.plant import Plant
from tests.workers.campaigns import Two, two
from tests.workers.house import House

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
