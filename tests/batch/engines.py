"""The batch systems of a service under test, by what its settings have to say."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from batch.htcondor import HTCondorAccess
from tests.batch.pools import Pool
from tests.batch.slurm_pool import SlurmPool
from tests.conftest import wait_until


@dataclass(frozen=True)
class Engine:
    """A batch system that a service may use, and how."""

    name: str
    settings: dict[str, str]
    slot: str
    """What is in the name of every slot that jobs run in."""
    empty: Callable[[], None]
    """Leave nothing of ours in its queue."""


def make_htcondor_engine(pool: Pool, access: HTCondorAccess) -> Engine:
    settings = {
        "POMS_HTCONDOR_COLLECTOR": access.collector,
        "POMS_HTCONDOR_TOKENS": str(access.tokens),
        "POMS_HTCONDOR_FILE_SYSTEM": access.file_system,
    }

    def empty() -> None:
        pool.run("condor_rm", "-all")
        wait_until(lambda: not pool.queue(), what="an empty queue")

    return Engine("htcondor", settings, "@", empty)


def make_far_htcondor_engine(pool: Pool, access: HTCondorAccess) -> Engine:
    """The same pool as if its schedd's machine saw nothing of ours: all is spooled, and watched by query."""
    near = make_htcondor_engine(pool, access)
    feed = {"POMS_HTCONDOR_FEED": "query", "POMS_HTCONDOR_INTERVAL_S": "0.5"}
    return replace(near, settings=near.settings | feed, empty=pool.empty)


def make_slurm_engine(pool: SlurmPool) -> Engine:
    access = pool.access()
    settings = {
        "POMS_SLURM": "1",
        "POMS_SLURM_PROGRAMS": str(access.programs),
        "POMS_SLURM_CONFIGURATION": str(access.configuration),
        "POMS_SLURM_INTERVAL_S": "0.5",
    }
    return Engine("slurm", settings, "localhost", pool.empty)
