"""Which schedd is asked, as whom, and in what measure."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HTCondorAccess:
    """What one POMS needs to know of one schedd."""

    collector: str
    """HOST:PORT of the pool's collector, which knows where the schedd is."""
    schedd: str = ""
    """Its name; empty: the collector's only one."""
    tokens: Path | None = None
    """A folder with an IDTOKEN in it (0600); without it whatever else the machine offers."""
    file_system: str = ""
    """The FILESYSTEM_DOMAIN of the machines that see the launch directories and the store."""
    authorities: Path | None = None
    """Whose certificates of hosts are believed, where SciTokens are used; None: the machine's own."""
    carries: bool = False
    """Whether payload, inputs, reports and outputs travel with the jobs: the machines see none of ours."""
    spools: bool = False
    """Whether they travel to the schedd before, too, whose machine sees none of ours either: no log can be read."""
    copies_mb: int = 1000
    """How much of its inputs one launch may copy where these can't be linked to travel (`carried_inputs`)."""
    interval_s: float = 5.0
    """How often the schedd is asked about the clusters that are followed by query, at most."""
    most_idle: int = 500
    """How many jobs of one cluster are put into the queue before they run; the others wait in their cluster."""
    call_s: float = 60.0
    """How long one call may take."""

    def spooling_s(self, jobs: int) -> float:
        """How much longer it may take where so many sandboxes go to the schedd or come back."""
        return 60.0 + 0.1 * jobs

    def environment(self) -> dict[str, str]:
        """HTCondor's configuration for this access alone, without any file of the machine."""
        given = {
            "COLLECTOR_HOST": self.collector,
            "CONDOR_HOST": self.collector.partition(":")[0],
            # Whoever can read a pool's signing key would sign a token for itself, as somebody else.
            "SEC_TOKEN_POOL_SIGNING_KEY_FILE": "/dev/null",
            "SEC_PASSWORD_DIRECTORY": "/dev/null",
        }
        if self.file_system:
            given["FILESYSTEM_DOMAIN"] = self.file_system
        if self.authorities:
            given["AUTH_SSL_CLIENT_CAFILE"] = str(self.authorities)
        if self.tokens:
            given["SEC_CLIENT_AUTHENTICATION_METHODS"] = "IDTOKENS"
            given["SEC_TOKEN_DIRECTORY"] = str(self.tokens)
        return {f"_CONDOR_{name}": value for name, value in given.items()}
