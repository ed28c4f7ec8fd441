"""What every worker works with."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from batch import BatchSystem
from catalogs import ConfirmingCatalog
from catalogs.monitors import MonitorClients
from catalogs.opening import CatalogClients
from db.pool import Pool
from db.submissions.submissions import Submission
from domain.batch.admission import LaunchRate
from domain.setup.batch_rules import BatchPolicy
from domain.submissions.submissions import SubmissionState
from lanes import Lane
from workers.background import BackgroundTasks
from workers.credential_store import CredentialStore
from workers.guard import InstallationGuard

log = logging.getLogger("workers")
SCRIPT_LEASE_S = 300.0
"""The lease of a launch script, which is stopped when it can't be renewed: the database may be away for a while."""


@dataclass(frozen=True, slots=True)
class WorkerLanes:
    """Where workers touch files themselves."""

    spool: Lane = field(default_factory=lambda: Lane("spool", 30.0))
    prepare: Lane = field(default_factory=lambda: Lane("spool:prepare", 600.0))
    """Launch directories, of which each may have very many files."""
    credentials: Lane = field(default_factory=lambda: Lane("credentials", 10.0))


@dataclass(frozen=True, slots=True)
class WorkerTools:
    """The database, the batch systems and the catalog, and who this process is to the others."""

    db: Pool
    systems: Mapping[str, BatchSystem]
    catalog: ConfirmingCatalog
    spool: Path
    store: Path
    holder: str
    """Unique to this process, for leases."""
    lease_s: float
    launch_lease_s: float
    ring: Callable[[], Awaitable[None]]
    """Tell that something was committed; bounded, never raises."""
    enqueue: Callable[[str, int, int], Awaitable[None]]
    """Hand (function, submission, attempt) to any worker; bounded, never raises, may be lost."""
    rate: LaunchRate = field(default_factory=LaunchRate)
    """How fast each batch system is given launches."""
    background: BackgroundTasks = field(default_factory=BackgroundTasks)
    """Where launch scripts are followed, which take long."""
    script_limit_s: float = 1800.0
    scripts_as_worker: bool = False
    """Whether launch scripts may run here as the workers' own account: for development."""
    uploads: Path | None = None
    """The folder with what people upload for launch scripts; None: there is none."""
    ssh_keys: Path | None = None
    """The folder with a folder for each experiment, of what its ssh reaches launch hosts with."""
    catalogs: CatalogClients = field(default_factory=CatalogClients)
    """The catalogs outside of ours."""
    monitors: MonitorClients = field(default_factory=MonitorClients)
    """What knows numbers of our work."""
    vault: CredentialStore = field(default_factory=CredentialStore)
    """Where credentials lie."""
    batch_policy: BatchPolicy = field(default_factory=BatchPolicy)
    """What the deployment lets stages ask of batch systems."""
    verify_inputs: bool = True
    """Whether jobs compare the checksums of their inputs."""
    guard: InstallationGuard = field(default_factory=InstallationGuard)
    """Whether anything may act on clusters."""
    lanes: WorkerLanes = field(default_factory=WorkerLanes)

    async def tell(self, made: Sequence[Submission]) -> None:
        """After a commit: ring, and hand new submissions over for their launch; the sweep finds what is lost."""
        for submission in made:
            if submission.state is SubmissionState.NEW:
                await self.enqueue("launch", submission.id, submission.launch_attempt + 1)
        await self.ring()
