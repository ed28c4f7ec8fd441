"""What differs between one deployment and the next, read once from the environment."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

FEEDS = ("userlog", "query")
"""How the jobs of a schedd can be watched."""


class SettingMissing(Exception):
    """A setting without which the service can't start is not there."""


@dataclass(frozen=True, slots=True)
class Schedd:
    """One schedd, whose jobs are those of stages with its name as their batch system."""

    name: str
    collector: str
    """HOST:PORT of the pool's collector."""
    schedd: str
    """The schedd's own name; empty: the collector's only one."""
    tokens: Path | None
    """A folder with an IDTOKEN for it."""
    authorities: Path | None
    """A file of certificates that vouch for its host, where SciTokens are used."""
    file_system: str
    """The FILESYSTEM_DOMAIN of the machines that see spool and store."""
    carries: bool
    """Whether payload, inputs, reports and outputs travel with the jobs instead."""
    feed: str = "userlog"
    """`userlog`: its machine sees the spool, where it writes logs that are read; `query`: it sees nothing of ours."""
    interval_s: float = 5.0
    """How often the schedd is asked about clusters that are followed by query."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every knob the service has."""

    database_url: str
    redis_url: str
    secret: str = field(repr=False)
    """Signs the tokens by which people sign in; at least 32 characters, the same for every process."""
    spool: Path
    """Where the local batch system keeps its queue, and launches keep their payloads and reports."""
    store: Path
    """The only folder in which the embedded catalog looks for files, and jobs put outputs."""
    slots: int = 2
    """How many local jobs run at once."""
    lease_s: float = 10.0
    """For how long a watcher, or who advances a submission, has it for itself without a sign of life."""
    launch_lease_s: float = 60.0
    """The same of a launcher: longer than a launch may take."""
    script_limit_s: float = 1800.0
    """How long a launch script may run."""
    scripts_at_once: int = 10
    """How many launch scripts one worker runs at once."""
    ssh_configuration: Path | None = None
    """The configuration with which ssh reaches launch hosts; None: the workers' own."""
    reconcile_s: float = 60.0
    """How often what a batch system has is compared with the database, and how long both may be under way."""
    htcondor: tuple["Schedd", ...] = ()
    """The schedds of HTCondor pools, each a batch system of its own name."""
    slurm: bool = False
    """Whether there is a `slurm` among the batch systems."""
    slurm_programs: Path | None = None
    """The folder with sbatch, squeue and so on; None: they are in the PATH."""
    slurm_configuration: Path | None = None
    """The slurm.conf; None: the machine's own."""
    slurm_partition: str = ""
    slurm_account: str = ""
    slurm_qos: str = ""
    """Where stages name none; empty: the cluster's own."""
    slurm_interval_s: float = 5.0
    """How often Slurm's queue is asked."""
    launches_per_minute: int = 0
    """How many launches each batch system is given a minute; 0: any number."""
    launches_at_once: int = 10
    """How many of them at once after a quiet time."""
    credentials: Path | None = None
    """The folder with a folder of credentials for each experiment; None: launches use none."""
    credential_margin_s: float = 600.0
    """For how long a credential must still hold when a launch begins to use it."""
    renewal_s: float = 60.0
    """How long the command that renews a credential may take."""
    metrics_token: str = field(default="", repr=False)
    """Who shows it may read /metrics; empty: only who is on this machine and comes through no proxy."""
    metrics_listen: str = ""
    """HOST:PORT at which a worker answers Prometheus, such as 127.0.0.1:9108; empty: it doesn't."""
    kill_at: str = ""
    """Where this process kills itself, for tests of crashes: a name from `workers/points.py`'s callers."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Read POMS_* variables; a missing one fails at the start, by name."""

        def need(name: str) -> str:
            value = env.get(name, "")
            if not value:
                raise SettingMissing(f"Set {name}: POMS can't start without it (see README.md).")
            return value

        def path(name: str) -> Path | None:
            return Path(env[name]).absolute() if env.get(name) else None

        return cls(
            database_url=need("POMS_DATABASE_URL"),
            redis_url=need("POMS_REDIS_URL"),
            secret=need("POMS_SECRET"),
            spool=Path(need("POMS_SPOOL")).absolute(),
            store=Path(need("POMS_STORE")).absolute(),
            slots=int(env.get("POMS_SLOTS", "2")),
            lease_s=float(env.get("POMS_LEASE_S", "10")),
            launch_lease_s=float(env.get("POMS_LAUNCH_LEASE_S", "60")),
            script_limit_s=float(env.get("POMS_SCRIPT_LIMIT_S", "1800")),
            scripts_at_once=int(env.get("POMS_SCRIPTS_AT_ONCE", "10")),
            ssh_configuration=path("POMS_SSH_CONFIGURATION"),
            reconcile_s=float(env.get("POMS_RECONCILE_S", "60")),
            htcondor=tuple(_schedds(env)),
            slurm=env.get("POMS_SLURM", "") == "1",
            slurm_programs=path("POMS_SLURM_PROGRAMS"),
            slurm_configuration=path("POMS_SLURM_CONFIGURATION"),
            slurm_partition=env.get("POMS_SLURM_PARTITION", ""),
            slurm_account=env.get("POMS_SLURM_ACCOUNT", ""),
            slurm_qos=env.get("POMS_SLURM_QOS", ""),
            slurm_interval_s=float(env.get("POMS_SLURM_INTERVAL_S", "5")),
            launches_per_minute=int(env.get("POMS_LAUNCHES_PER_MINUTE", "0")),
            launches_at_once=int(env.get("POMS_LAUNCHES_AT_ONCE", "10")),
            credentials=path("POMS_CREDENTIALS"),
            credential_margin_s=float(env.get("POMS_CREDENTIAL_MARGIN_S", "600")),
            renewal_s=float(env.get("POMS_RENEWAL_S", "60")),
            metrics_token=env.get("POMS_METRICS_TOKEN", ""),
            metrics_listen=env.get("POMS_METRICS_LISTEN", ""),
            kill_at=env.get("POMS_KILL_AT", ""),
        )


def _schedds(env: Mapping[str, str]) -> Iterator[Schedd]:
    """The one of POMS_HTCONDOR_COLLECTOR, or each that POMS_HTCONDOR names, by POMS_HTCONDOR_<NAME>_COLLECTOR."""
    names = [name.strip() for name in env.get("POMS_HTCONDOR", "").split(",") if name.strip()]
    for name in names or ["htcondor"]:
        prefix = f"POMS_HTCONDOR_{name.upper().replace('-', '_')}" if names else "POMS_HTCONDOR"
        collector = env.get(f"{prefix}_COLLECTOR", "")
        if name in ("local", "slurm", "launches"):
            raise SettingMissing(f"POMS_HTCONDOR can't name {name}: give it a name of its own.")
        if names and not collector:
            raise SettingMissing(f"Set {prefix}_COLLECTOR: POMS_HTCONDOR names {name}.")
        feed = env.get(f"{prefix}_FEED", "userlog")
        if feed not in FEEDS:
            raise SettingMissing(f"{prefix}_FEED can't be {feed}: set one of {', '.join(FEEDS)}.")
        tokens, vouching = env.get(f"{prefix}_TOKENS", ""), env.get(f"{prefix}_AUTHORITIES", "")
        if collector:
            yield Schedd(
                name=name,
                collector=collector,
                schedd=env.get(f"{prefix}_SCHEDD", ""),
                tokens=Path(tokens).absolute() if tokens else None,
                authorities=Path(vouching).absolute() if vouching else None,
                file_system=env.get(f"{prefix}_FILE_SYSTEM", ""),
                carries=env.get(f"{prefix}_CARRIES", "") == "1",
                feed=feed,
                interval_s=float(env.get(f"{prefix}_INTERVAL_S", "5")),
            )
