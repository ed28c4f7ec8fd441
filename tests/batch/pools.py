"""A real HTCondor pool on loopback, run by an ordinary user, gone with the process that started it."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import wait_until
from up import children, home
from up.ports import find_free_port

CONDOR = Path(__file__).parents[2] / ".pools/condor"
"""What `make pools` fetched; without it there are no tests of HTCondor."""
NEWER = CONDOR.with_name("condor-forky")
"""That of Debian's rolling suite, where it could be had."""

CONFIG = """
RELEASE_DIR = {condor}/usr
LOCAL_DIR = {folder}
LOCAL_CONFIG_FILE =
LOCAL_CONFIG_DIR =
BIN = $(RELEASE_DIR)/bin
SBIN = $(RELEASE_DIR)/sbin
LIB = $(RELEASE_DIR)/lib/condor
LIBEXEC = $(RELEASE_DIR)/libexec/condor
SHARE = $(RELEASE_DIR)/share/condor
ETC = {folder}
RUN = {folder}/run
LOG = {folder}/log
LOCK = {folder}/lock
SPOOL = {folder}/spool
EXECUTE = {folder}/execute
HISTORY = $(SPOOL)/history
PROCD_ADDRESS = $(RUN)/procd
DAEMON_SOCKET_DIR = $(RUN)/sock
SEC_CREDENTIAL_DIRECTORY = {folder}/cred
CONDOR_IDS = {uid}.{gid}
use ROLE: CentralManager
use ROLE: Submit
use ROLE: Execute

NETWORK_INTERFACE = 127.0.0.1
BIND_ALL_INTERFACES = False
ENABLE_IPV6 = False
CONDOR_HOST = 127.0.0.1
COLLECTOR_PORT = {port}
COLLECTOR_HOST = 127.0.0.1:{port}
SHARED_PORT_PORT = {port}
NO_DNS = True
DEFAULT_DOMAIN_NAME = pool.test
UID_DOMAIN = pool.test
FILESYSTEM_DOMAIN = pool.test
TRUST_DOMAIN = pool.test
TRUST_UID_DOMAIN = True
QUEUE_SUPER_USERS = poms, poms@pool.test
SCHEDD_NAME = test

SEC_DEFAULT_AUTHENTICATION = REQUIRED
SEC_DEFAULT_AUTHENTICATION_METHODS = FS, IDTOKENS
SEC_DEFAULT_ENCRYPTION = OPTIONAL
SEC_DEFAULT_INTEGRITY = OPTIONAL
SEC_PASSWORD_DIRECTORY = {folder}/passwords.d
SEC_TOKEN_DIRECTORY = {folder}/tokens.d
SEC_TOKEN_SYSTEM_DIRECTORY = {folder}/tokens.d
SEC_TOKEN_POOL_SIGNING_KEY_FILE = {folder}/passwords.d/POOL
ALLOW_READ = *
ALLOW_WRITE = *
ALLOW_DAEMON = *
ALLOW_NEGOTIATOR = *
ALLOW_ADMINISTRATOR = *

SCHEDD_DEBUG = D_COMMAND
SCHEDD_INTERVAL = 1
SCHEDD_MIN_INTERVAL = 1
NEGOTIATOR_INTERVAL = 1
NEGOTIATOR_MIN_INTERVAL = 1
NEGOTIATOR_CYCLE_DELAY = 1
STARTER_UPDATE_INTERVAL = 1
SHADOW_QUEUE_UPDATE_INTERVAL = 2
UPDATE_INTERVAL = 2
POLLING_INTERVAL = 1
PERIODIC_EXPR_INTERVAL = 1
MAX_PERIODIC_EXPR_INTERVAL = 2
JOB_START_DELAY = 0
RUNBENCHMARKS = 0
MASTER_BACKOFF_CONSTANT = 1
MASTER_BACKOFF_CEILING = 2
NUM_CPUS = {slots}
MEMORY = {memory_mb}
START = True
SUSPEND = False
PREEMPT = False
KILL = False
MAIL = /bin/true
CONDOR_ADMIN =
DISCARD_SESSION_KEYRING_ON_STARTUP = False
"""
SECOND = """
SCHEDD2 = $(SCHEDD)
SCHEDD2_ARGS = -local-name schedd2
SCHEDD2.SCHEDD_NAME = second
SCHEDD2.SPOOL = {folder}/spool2
SCHEDD2.SCHEDD_LOG = $(LOG)/Schedd2Log
SCHEDD2.SCHEDD_ADDRESS_FILE = {folder}/spool2/address
SCHEDD2.SCHEDD_DAEMON_AD_FILE = {folder}/spool2/ad
SCHEDD2.HISTORY = {folder}/spool2/history
SCHEDD2_ENVIRONMENT = "TZ=NPT-5:45"
DAEMON_LIST = $(DAEMON_LIST) SCHEDD2
DC_DAEMON_LIST = +SCHEDD2
"""
"""Another access point of the same pool, called second@pool.test, in another time zone."""
FOLDERS = ("log", "run", "lock", "spool", "spool2", "execute", "cred", "passwords.d", "tokens.d")


@dataclass
class Pool:
    """One machine that is a whole pool."""

    folder: Path
    port: int
    run_as: children.UnixAccount | None
    master: subprocess.Popen[bytes]
    slots: int
    condor: Path = CONDOR

    @classmethod
    def start(cls, folder: Path, slots: int = 8, more: str = "", condor: Path = CONDOR) -> "Pool":
        """Start a pool in a new folder, which the unprivileged user must be able to reach."""
        run_as, port = children.find_run_account(), find_free_port()
        uid, gid = run_as or (os.getuid(), os.getgid())
        folder.mkdir()
        home.give_ownership(folder, run_as)
        for name in FOLDERS:
            (folder / name).mkdir(mode=0o700 if name.endswith(".d") else 0o755)
            home.give_ownership(folder / name, run_as)
        given = {"condor": condor, "folder": folder, "uid": uid, "gid": gid, "port": port}
        config = CONFIG.format(**given, slots=slots, memory_mb=slots * 4000)
        config += more.format(**given)
        (folder / "config").write_text(config)
        with (folder / "said").open("ab") as said:
            master = children.spawn_process(
                [condor / "usr/sbin/condor_master", "-f"],
                env=_build_environment(folder, condor),
                cwd=folder,
                out=said,
                err=said,
                death=signal.SIGQUIT,
                run_as=run_as,
            )
        pool = cls(folder, port, run_as, master, slots, condor)
        wait_until(pool._is_up, within=60, what="the start of the HTCondor pool")
        return pool

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _is_up(self) -> bool:
        assert self.master.poll() is None, (self.folder / "log/MasterLog").read_text()
        machines = self.run("condor_status", "-af", "Name").stdout
        return bool(machines) and self.run("condor_q", "-totals").returncode == 0

    def run(self, program: str, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run one of HTCondor's programs as the pool's own user."""
        command = [str(self.condor / f"usr/bin/{program}"), *words]
        uid, gid = self.run_as or (None, None)
        return subprocess.run(
            command, env=_build_environment(self.folder, self.condor), cwd=self.folder, user=uid, group=gid,
            extra_groups=None if uid is None else [], capture_output=True, text=True, timeout=20,
            check=False,
        )  # fmt: skip

    def token(self, folder: Path, identity: str = "poms") -> Path:
        """A folder with a token that makes who has it this person; any user may be it."""
        folder.mkdir(mode=0o700)
        made = self.run("condor_token_create", "-identity", f"{identity}@pool.test")
        assert made.returncode == 0, made.stderr
        path = folder / identity
        path.touch(mode=0o600)
        path.write_text(made.stdout)
        return folder

    def queue(self) -> str:
        """The jobs and clusters that the schedd has."""
        return self.run("condor_q", "-all", "-af", "ClusterId").stdout

    def show_state(self, native_id: str) -> str:
        """What HTCondor knows of a cluster, and the last that its shadows said."""
        wanted = ("ClusterId", "ProcId", "JobStatus", "HoldReason", "RemoveReason", "ExitCode")
        told = [
            self.run(program, native_id, "-af:lrng", *wanted).stdout
            for program in ("condor_q", "condor_history")
        ]
        return "\n".join([*told, (self.folder / "log/ShadowLog").read_text()[-3000:]])

    def empty(self) -> None:
        """Leave nothing in the queue, nor what is over and kept for a watcher."""

        def is_empty() -> bool:
            self.run("condor_rm", "-all")
            self.run("condor_rm", "-all", "-forcex")
            return not self.queue()

        wait_until(is_empty, within=180, what="an empty queue")

    def lose_queue(self) -> None:
        """As with a disk that was replaced: the schedd knows of no job, and begins its numbers again."""
        schedd, machine = self.process("condor_schedd"), self.process("condor_startd")
        os.kill(schedd, signal.SIGSTOP)
        for path in (self.folder / "spool").glob("job_queue.log*"):
            path.unlink()
        os.kill(schedd, signal.SIGKILL)
        # Else its slots wait for the schedd that had claimed them.
        os.kill(machine, signal.SIGQUIT)
        wait_until(lambda: self._works_without(machine), within=60, what="a schedd and slots")

    def _works_without(self, old: int) -> bool:
        if self.run("condor_q", "-totals").returncode:
            return False
        with suppress(ValueError):
            return self.process("condor_startd") != old
        return False

    def queries(self) -> int:
        """How often the schedd was asked for jobs, by its own word."""
        return (self.folder / "log/SchedLog").read_text().count("(QUERY_JOB_ADS")

    def process(self, *words: str) -> int:
        """The one process of the pool with this program and these words in its command; its forks do not count."""
        config, found = f"CONDOR_CONFIG={self.folder}/config".encode(), dict[int, int]()
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                command = (path / "cmdline").read_bytes().decode().split("\0")
                is_it = command[0].endswith(words[0]) and set(words[1:]) <= set(command)
                if is_it and config in (path / "environ").read_bytes():
                    parent = (path / "stat").read_text().rpartition(")")[2].split()[1]
                    found[int(path.name)] = int(parent)
        (only,) = (pid for pid, parent in found.items() if parent not in found)
        return only

    def stop(self) -> None:
        """End it with all that it runs."""
        self.master.send_signal(signal.SIGQUIT)
        end = time.monotonic() + 20
        while self.master.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        if self.master.poll() is None:
            self.master.kill()
        self.master.wait()


def _build_environment(folder: Path, condor: Path) -> dict[str, str]:
    return {
        "PATH": f"{condor}/usr/bin:{condor}/usr/sbin:/usr/bin:/bin",
        "CONDOR_CONFIG": str(folder / "config"),
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
    }
