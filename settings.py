"""What differs between one deployment and the next, read once from the environment."""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

FEEDS = ("userlog", "query")
"""How the jobs of a schedd can be watched."""


class SettingError(Exception):
    """A setting is not there, or can't be what it is; by its name, with what to do."""


@dataclass(frozen=True, slots=True)
class ScheddSettings:
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
    copies_mb: int = 1000
    """How many MB of its inputs one launch may copy where they can't be linked to travel with the jobs."""
    interval_s: float = 5.0
    """How often the schedd is asked about clusters that are followed by query."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of the service: its name is the variable's without `POMS_`, its type what may be there."""

    database_url: str
    redis_url: str
    spool: Path
    """Where the local batch system keeps its queue, and launches keep their payloads and reports."""
    store: Path
    """The folder with a folder for each experiment, where jobs put outputs and the embedded catalog looks for them."""
    secret: str = field(default="", repr=False)
    """Signs the tokens by which people sign in; at least 32 characters, the same for every process of the API;
    empty where no token is made or checked."""
    secret_before: str = field(default="", repr=False)
    """A second secret, by which nothing is signed: tokens and cursors of its are good, too; empty: none."""
    issuers: Path | None = None
    """A file that names issuers of tokens outside (docs/identity.md); None: people sign in by local tokens alone."""
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
    scripts_as_worker: bool = False
    """Whether launch scripts may run on the workers' host as the workers' own account: for development."""
    uploads: Path | None = None
    """Where the API puts what people upload for launch scripts, and workers find it; None: nothing is uploaded."""
    uploads_mb: int = 10
    """How many MB one person's uploads in one experiment have at most."""
    ssh_keys: Path | None = None
    """The folder with a folder `e<id>` for each experiment: ssh's configuration and key; None: ssh goes nowhere."""
    htcondor_attributes: str | None = None
    """Names of attributes, with commas, that stages may set; a beginning ends in `*`; None: the defaults."""
    containers: str | None = None
    """How images may begin in which jobs run, with commas; None: the defaults."""
    keep_days: int = 0
    """How many days after its end the inputs, attempts and actions of a submission are kept; 0: for good."""
    keep_changes_days: int = 0
    """How many days changes are kept; 0: for good."""
    archive: Path | None = None
    """The folder, of the workers alone, into which is written what is dropped; needed where one of these two is set."""
    reconcile_s: float = 60.0
    """How often what a batch system has is compared with the database, and how long both may be under way."""
    silent_s: float = 300.0
    """After how long a silence of its batch system a launch is looked up; ten of its intervals at least."""
    htcondor: tuple["ScheddSettings", ...] = ()
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
    catalog_hosts: str = ""
    """Hosts of outside catalogs that are trusted, HOST:PORT with commas: any scheme, any address; empty: none."""
    verify_inputs: bool = True
    """Whether jobs compare the checksums of their inputs, which costs one read of each."""
    metrics_token: str = field(default="", repr=False)
    """Who shows it may read /metrics; empty: nobody."""
    nodes_per_minute: int = 600_000
    """How many nodes one person may ask each API process for in a minute; 0: any number, as for the next three."""
    operations_at_once: int = 50
    """How many queries and mutations of one person run at once in each API process."""
    dear_operations_at_once: int = 4
    """How many of these may cost 1,000 nodes or more."""
    connections: int = 50
    """How many sockets and event streams one person has open with each API process."""
    metrics_listen: str = ""
    """HOST:PORT at which a worker answers Prometheus, such as 127.0.0.1:9108; empty: it doesn't."""
    log: Literal["text", "json"] = "text"
    """The form of what processes write in their logs: lines for people, or an object in JSON for each."""
    kill_at: str = ""
    """Where this process kills itself, for tests of crashes: a name from `workers/failpoints.py`'s callers."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Read POMS_* variables; one that is missing or wrong fails at the start, by name."""
        read = {
            each.name: _read_setting(env, each) for each in fields(cls) if each.name != "htcondor"
        }
        if (read["keep_days"] or read["keep_changes_days"]) and not read["archive"]:
            raise SettingError("Set POMS_ARCHIVE: what is not kept any more is put there first.")
        return cls(**read, htcondor=tuple(_read_schedds(env)))


def _parse_whole_number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError
    return int(text)


def _parse_number(text: str) -> float:
    if not 0 <= (number := float(text)) < math.inf:
        raise ValueError
    return number


def _parse_switch(text: str) -> bool:
    return {"1": True, "0": False}[text]


def _parse_path(text: str) -> Path:
    return Path(text).absolute()


READERS: dict[Any, tuple[Callable[[str], Any], str]] = {
    int: (_parse_whole_number, "a whole number of at least 0"),
    float: (_parse_number, "a number of at least 0"),
    bool: (_parse_switch, "1 or 0"),
    Path: (_parse_path, "a path"),
    Path | None: (_parse_path, "a path"),
    Literal["text", "json"]: ({"text": "text", "json": "json"}.__getitem__, "text or json"),
}
"""How a setting of each type is read, and what it has to be; texts are taken as they are."""


def read_log_settings(
    env: Mapping[str, str] = os.environ,
) -> tuple[Literal["text", "json"], list[str]]:
    """The form of the logs, and the secrets that must not stand in them; of any process, with or without settings."""
    (log,) = (each for each in fields(Settings) if each.name == "log")
    return _read_setting(env, log), list(_find_secrets(env))


def _find_secrets(env: Mapping[str, str]) -> Iterator[str]:
    for variable, value in env.items():
        if variable.startswith("POMS_") and value:
            if any(word in variable for word in ("SECRET", "TOKEN", "PASSWORD")):
                yield value
            elif variable.endswith("_URL") and (password := urlsplit(value).password):
                yield password


def _read_setting(env: Mapping[str, str], setting: Any) -> Any:
    variable = f"POMS_{setting.name.upper()}"
    text = env.get(variable)
    if setting.default is MISSING and not text:
        raise SettingError(f"Set {variable}: POMS can't start without it (see README.md).")
    if text is None or (not text and setting.type not in (str, str | None)):
        return setting.default
    return _read_text(variable, setting.type, text)


def _read_text(variable: str, kind: Any, text: str) -> Any:
    read, wanted = READERS.get(kind, (str, "a text"))
    try:
        return read(text)
    except (ValueError, KeyError):
        raise SettingError(f"{variable} is {text[:100]!r}: make it {wanted}.") from None


def _read_schedds(env: Mapping[str, str]) -> Iterator[ScheddSettings]:
    """The one of POMS_HTCONDOR_COLLECTOR, or each that POMS_HTCONDOR names, by POMS_HTCONDOR_<NAME>_COLLECTOR."""
    names = [name.strip() for name in env.get("POMS_HTCONDOR", "").split(",") if name.strip()]
    for name in names or ["htcondor"]:
        prefix = f"POMS_HTCONDOR_{name.upper().replace('-', '_')}" if names else "POMS_HTCONDOR"
        collector = env.get(f"{prefix}_COLLECTOR", "")
        if name in ("local", "slurm", "launches"):
            raise SettingError(f"POMS_HTCONDOR can't name {name}: give it a name of its own.")
        if names and not collector:
            raise SettingError(f"Set {prefix}_COLLECTOR: POMS_HTCONDOR names {name}.")
        feed = env.get(f"{prefix}_FEED", "userlog")
        if feed not in FEEDS:
            raise SettingError(f"{prefix}_FEED can't be {feed}: set one of {', '.join(FEEDS)}.")
        tokens, vouching = env.get(f"{prefix}_TOKENS", ""), env.get(f"{prefix}_AUTHORITIES", "")
        if collector:
            yield ScheddSettings(
                name=name,
                collector=collector,
                schedd=env.get(f"{prefix}_SCHEDD", ""),
                tokens=Path(tokens).absolute() if tokens else None,
                authorities=Path(vouching).absolute() if vouching else None,
                file_system=env.get(f"{prefix}_FILE_SYSTEM", ""),
                carries=_read_text(f"{prefix}_CARRIES", bool, env.get(f"{prefix}_CARRIES") or "0"),
                feed=feed,
                copies_mb=_read_text(
                    f"{prefix}_COPIES_MB", int, env.get(f"{prefix}_COPIES_MB") or "1000"
                ),
                interval_s=_read_text(
                    f"{prefix}_INTERVAL_S", float, env.get(f"{prefix}_INTERVAL_S") or "5"
                ),
            )
