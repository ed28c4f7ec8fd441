"""A real Slurm on loopback, run by an ordinary user, gone with the process that started it."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from batch.slurm import SlurmAccess
from tests.batch import subreaper
from tests.conftest import wait_until
from up import children, home
from up.ports import find_free_port

SLURM = Path(__file__).parents[2] / ".pools/slurm"
"""What `make pools` fetched; without it there are no tests of Slurm."""

CONFIG = """
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={port}
SlurmdPort={slurmd_port}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
PluginDir={plugins}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.pid
SlurmctldLogFile={folder}/log/slurmctld
SlurmdLogFile={folder}/log/slurmd
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
JobCompType=jobcomp/{jobcomp}
JobCompLoc={folder}/log/jobcomp
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
PriorityType=priority/multifactor
PriorityWeightPartition=10000
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
SlurmdParameters=config_overrides
MpiDefault=none
MailProg=/bin/true
ReturnToService=2
KillWait=2
MinJobAge={min_job_age}
MaxArraySize={most}
MaxJobCount=20000
NodeName=localhost NodeHostname=localhost NodeAddr=127.0.0.1 CPUs={slots} RealMemory={memory_mb} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=other Nodes=ALL MaxTime=INFINITE State=UP
"""
PROGRAMS = ("sacct", "sbatch", "scancel", "scontrol", "sdiag", "sinfo", "squeue")
FOLDERS = ("state", "spool", "log", "run", "munge")


@dataclass
class SlurmPool:
    """One machine that is a whole cluster."""

    folder: Path
    port: int
    run_as: children.UnixAccount | None
    slots: int
    zone: str = "UTC"
    """Of its machine's clock, as TZ says it."""
    daemons: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @classmethod
    def start(
        cls,
        folder: Path,
        run_as: children.UnixAccount | None,
        *,
        slots: int = 8,
        min_job_age: int = 300,
        jobcomp: str = "filetxt",
        zone: str = "UTC",
    ) -> Self:
        """Start one in a new folder, which its user (None: who we are) must be able to reach."""
        folder.mkdir()
        for path in (folder, *(folder / name for name in FOLDERS)):
            path.mkdir(exist_ok=True)
            home.give_ownership(path, run_as)
        pool = cls(folder, find_free_port(), run_as, slots, zone)
        pool._configure(min_job_age, jobcomp)
        pool.begin("munged")
        wait_until((folder / "munge/socket").exists, what="munge")
        pool._prepare()
        pool.begin("slurmctld")
        pool.begin("slurmd")
        wait_until(pool.is_up, within=60, what="the start of Slurm")
        return pool

    def _prepare(self) -> None:
        """Start what the controller needs."""

    @property
    def _uid(self) -> int:
        return os.getuid() if self.run_as is None else self.run_as.uid

    def _configure(self, min_job_age: int, jobcomp: str) -> None:
        (plugins,) = SLURM.resolve().glob("usr/lib/*-linux-gnu/slurm-wlm")
        given = {"folder": self.folder, "port": self.port, "slurmd_port": find_free_port()}
        more = {"user": self._uid, "plugins": plugins, "slots": self.slots, "most": 1001}
        limits = {"min_job_age": min_job_age, "memory_mb": self.slots * 4000, "jobcomp": jobcomp}
        self.configuration.write_text(CONFIG.format(**given, **more, **limits))
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n")
        key = self.folder / "munge/key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(1024))
        home.give_ownership(key, self.run_as)

    @property
    def configuration(self) -> Path:
        return self.folder / "slurm.conf"

    def _commands(self) -> Mapping[str, Sequence[str | Path]]:
        """How each daemon is started, in the foreground."""
        programs, munge = SLURM.resolve() / "usr/sbin", self.folder / "munge"
        return {
            "munged": [programs / "munged", "-F", "-f", f"--key-file={munge}/key", f"--socket={munge}/socket",
                       f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed"],
            "slurmctld": [programs / "slurmctld", "-D"],
            "slurmd": [programs / "slurmd", "-D", "-N", "localhost", "-d", programs / "slurmstepd"],
        }  # fmt: skip

    def begin(self, name: str) -> None:
        """Start one of the daemons, or start it again."""
        command = self._commands()[name]
        if name == "slurmd":
            # Slurm lets jobs outlive it.
            command = [
                shutil.which("python3", path="/usr/bin:/usr/local/bin") or "",
                subreaper.__file__,
                *command,
            ]
        with (self.folder / f"log/{name}.said").open("ab") as said:
            self.daemons[name] = children.spawn_process(
                command,
                env=self.environment,
                cwd=self.folder,
                out=said,
                err=said,
                death=signal.SIGTERM,
                run_as=self.run_as,
            )

    def end(self, name: str) -> None:
        """End one of the daemons."""
        self.daemons[name].terminate()
        self.daemons.pop(name).wait(timeout=20)

    def restart(self) -> None:
        """Have another controller, which knows what the one before it wrote down when it was asked to end."""
        self.end("slurmctld")
        self.begin("slurmctld")
        wait_until(self.is_up, within=60, what="a controller")

    def remembered(self) -> Path:
        """A copy of what the controller knows now; it writes that down with a delay, or when it ends."""
        self.end("slurmctld")
        kept = Path(tempfile.mkdtemp(prefix="kept", dir=self.folder))
        subprocess.run(["cp", "-a", f"{self.folder}/state/.", kept], check=True)
        self.begin("slurmctld")
        wait_until(self.is_up, within=60, what="a controller")
        return kept

    def crash(self, remembered: Path | None = None) -> None:
        """Kill the controller; the next one knows what was written down last, or once."""
        self.daemons["slurmctld"].kill()
        self.daemons.pop("slurmctld").wait()
        if remembered:
            shutil.rmtree(self.folder / "state")
            subprocess.run(["cp", "-a", remembered, self.folder / "state"], check=True)
            home.give_ownership(self.folder / "state", self.run_as)
        self.begin("slurmctld")
        wait_until(lambda: self.run("squeue").returncode == 0, within=60, what="a controller")

    def lose_queue(self) -> None:
        """As with a disk that was replaced: the controller knows of no job, and begins its numbers again."""
        nothing = self.folder / "nothing"
        nothing.mkdir(exist_ok=True)
        with self.other_node():
            self.crash(nothing)

    def renew_node(self) -> None:
        """Let ids be given again that jobs had before a crash."""
        with self.other_node():
            pass
        wait_until(self.is_up, within=60, what="a node")

    @contextmanager
    def other_node(self) -> Iterator[None]:
        """Meanwhile there is no node, and then another one: it would refuse for a while jobs of ids that it has had."""
        self.end("slurmd")
        for path in (self.folder / "spool").glob("cred_state*"):
            path.unlink()
        yield
        self.begin("slurmd")

    def give_node_back(self) -> None:
        """What an operator does with a node that has drained itself: it refuses a job of an id that it has had."""
        state = self.run("sinfo", "-h", "-o", "%T").stdout
        if "drain" in state or "down" in state:
            self.run("scontrol", "update", "NodeName=localhost", "State=RESUME")

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{SLURM.resolve()}/usr/bin:/usr/bin:/bin",
            "SLURM_CONF": str(self.configuration),
            "LC_ALL": "C.UTF-8",
            "TZ": self.zone,
        }

    def is_up(self) -> bool:
        for name, daemon in self.daemons.items():
            assert daemon.poll() is None, (self.folder / f"log/{name}.said").read_text()
        return self.run("sinfo", "-h", "-o", "%T").stdout.split() in (["idle"], ["mixed"])

    def run(self, program: str, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run one of Slurm's programs as its own user."""
        uid, gid = self.run_as or (None, None)
        return subprocess.run(
            [str(SLURM.resolve() / "usr/bin" / program), *words], env=self.environment, cwd=self.folder,
            user=uid, group=gid, extra_groups=None if uid is None else [], capture_output=True,
            text=True, timeout=20, check=False,
        )  # fmt: skip

    def access(self, interval_s: float = 0.1) -> SlurmAccess:
        """The cluster, for its own user; where that is not us, by programs that become it first."""
        as_user, wrappers = "", self.folder / "programs"
        if self.run_as is not None:
            uid, gid = self.run_as
            as_user = f"setpriv --reuid={uid} --regid={gid} --clear-groups"
        for name in () if wrappers.exists() else PROGRAMS:
            wrappers.mkdir(exist_ok=True)
            program = SLURM.resolve() / "usr/bin" / name
            (wrappers / name).write_text(f'#!/bin/sh\nexec {as_user} {program} "$@"\n')
            (wrappers / name).chmod(0o755)
        return SlurmAccess(wrappers, self.configuration, interval_s=interval_s, call_s=20)

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """For now nobody finds the programs by which `access` asks."""
        programs = self.folder / "programs"
        aside = programs.rename(self.folder / "hidden")
        yield
        aside.rename(programs)

    def empty(self) -> None:
        """Remove all jobs, and wait until they are gone."""
        self.run("scancel", "--me")
        wait_until(lambda: not self.queue(), what="an empty queue")

    def describe_state(self) -> str:
        """What Slurm knows of nodes and jobs, and the last that its controller and its node said."""
        said = [self.run("scontrol", "show", what).stdout for what in ("node", "job")]
        logs = [
            (self.folder / f"log/{name}").read_text()[-3000:] for name in ("slurmctld", "slurmd")
        ]
        return "\n".join(said + logs)

    def queue(self) -> str:
        """The jobs that are not over."""
        return self.run("squeue", "-h", "-o", "%i %T").stdout

    def stop(self) -> None:
        """End it with all that it runs."""
        for name in ("slurmd", "slurmctld", "munged"):
            if name in self.daemons:
                self.end(name)
