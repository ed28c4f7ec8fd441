"""How one cluster is asked: by its programs, as whoever runs us."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SlurmAccess:
    """What one POMS needs to know of one cluster."""

    programs: Path | None = None
    """The folder with sbatch, squeue and so on; None: they are in the PATH."""
    configuration: Path | None = None
    """The slurm.conf; None: the machine's own."""
    partition: str = ""
    account: str = ""
    qos: str = ""
    """Where stages name none; empty: the cluster's own."""
    nice: int = 100
    """What priority 0 is: without being an operator nobody gets below 0."""
    interval_s: float = 5.0
    """How often the queue is asked, at most."""
    call_s: float = 60.0
    """How long one call may take."""

    def environment(self) -> dict[str, str]:
        """What Slurm's programs find in theirs: nothing of ours, and no zone of any machine's."""
        path = os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")
        given = {"PATH": f"{self.programs}:{path}" if self.programs else path}
        if self.configuration:
            given["SLURM_CONF"] = str(self.configuration)
        return given | {"LC_ALL": "C.UTF-8", "TZ": "UTC"}
