"""A house of local jobs to be maltreated."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from batch.local import LocalBatchSystem
from db.migrate import apply_migrations
from db.pool import open_pool
from tests.factories import Factory
from tests.small_disks import SmallDisk
from tests.workers.accidents import place_on_disks
from tests.workers.blocked_batch_system import block_batch_system
from tests.workers.chaos import Chaos
from tests.workers.house import House
from tests.workers.kill_point_scenarios import QUEUE_LOST, RareStage
from tests.workers.services import Services

SETTINGS = {"POMS_RECONCILE_S": "1", "POMS_LAUNCH_LEASE_S": "3", "POMS_SILENT_S": "3"}


class MortalRunner:
    """The runner of a house's local jobs."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.process: subprocess.Popen[bytes] = house.runner()

    @property
    def folder(self) -> Path:
        return self._house.spool / "local"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def supervise(self) -> None:
        """Start it again if it has ended, as one does that can't write."""
        if self.process.poll() is not None:
            self.process = self._house.runner()

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        self.kill()
        yield
        self.supervise()

    async def restart(self) -> None:
        with self.at_rest():
            pass

    async def lose_queue(self) -> None:
        """Its folder is a new one, as after a disk was replaced."""
        with self.at_rest():
            # What still runs may write there.
            lost = self.folder.rename(self.folder.with_name(f".lost.{uuid4()}"))
            shutil.rmtree(lost, ignore_errors=True)
            (self.folder / "clusters").mkdir(parents=True)

    async def journals(self) -> list[Path]:
        return sorted((self.folder / "journal").glob("[0-9]*"))[-1:]


async def make_local_chaos(
    services: Services, folder: Path, seed: int, within_s: float, disks: Mapping[str, SmallDisk]
) -> Chaos:
    """The house, and what may be done to its runner."""
    await apply_migrations(services.cluster.dsn())
    place_on_disks(folder, disks)
    house = House(
        await open_pool(services.cluster.dsn()), services.cluster.dsn(), services.server.url, folder
    )
    plant = await Factory.make(house.db)
    rarer = await RareStage.make(house, plant, "local")
    runner = MortalRunner(house)
    chaos = Chaos(
        seed,
        house,
        services,
        plant,
        rarer,
        LocalBatchSystem(house.spool),
        {**SETTINGS},
        within_s=within_s,
    )
    chaos.away = lambda: block_batch_system(house)
    chaos.supervise, chaos.at_rest = runner.supervise, runner.at_rest
    chaos.journals, chaos.disks = runner.journals, disks
    chaos.own = {"the runner killed": runner.restart, QUEUE_LOST: runner.lose_queue}
    return chaos
