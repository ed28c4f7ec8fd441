"""A launch script that submits to the real pool, and a stage that is launched by it."""

import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool as Database
from tests.batch.pools import Pool
from tests.batch.shared_house import OF_ITS_OWN, SMALL, SharedHouse
from tests.conftest import wait_until
from tests.factories import Factory
from up import children, home
from up.ports import find_free_port

SCRIPT = """
import glob, json, os, subprocess, sys, time
given = json.loads(sys.argv[1])
journal = given["journal"]

def note(what):
    with open(journal, "a") as file:
        print(os.environ["POMS_SUBMISSION_ID"], what, file=file)

def submit(numbers, more):
    text = f'''
executable = {given["executable"]}
transfer_executable = false
should_transfer_files = NO
initialdir = /
arguments = $(N) {given["job"]}
request_memory = 100
request_disk = 1
{more}
queue N from (
''' + "\\n".join(map(str, numbers)) + "\\n)\\n"
    text = text.replace("@LAUNCH@", os.environ["POMS_LAUNCH"])
    note("submits")
    done = subprocess.run([*given["as"], "condor_submit", *given["words"]], input=text, text=True, cwd="/",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(done.stdout, end="", flush=True)
    assert done.returncode == 0

note("begins")
if "late_s" in given:
    again = "import subprocess, sys, time; time.sleep(%r); subprocess.run(sys.argv[1:], input=%r, text=True)"
    order, null = "executable = /bin/true\\nqueue\\n", subprocess.DEVNULL
    words = [sys.executable, "-c", again % (given["late_s"], order), *given["as"], "condor_submit"]
    subprocess.Popen(words, start_new_session=True, stdin=null, stdout=null, stderr=null)
print("It works on", *sys.argv[2:], flush=True)
print("I am", os.environ["POMS_TASK_ID"], "in", os.environ["UPLOADS"], os.listdir("."), flush=True)
units = sorted(int(os.path.basename(p)[:-5]) for p in glob.glob(os.environ["POMS_LAUNCH"] + "/units/*.json"))
share = -(-len(units) // 3)
is_first = os.environ.get("POMS_RECOVERY_ROUND", "0") == "0"
parts = [units[n:n + share] for n in range(0, len(units), share)]
for n, part in enumerate(parts):
    if n == 1 and is_first:
        time.sleep(given["silence_s"])
    submit(part, given["more"][n if is_first else 0])
    if n == 0 and "exit" in given and is_first:
        note("exits")
        sys.exit(given["exit"])
note("ends")
"""
NUMBERED = "My.POMS_NUMBER = $(N)"
KIND = "UPDATE job_type SET kind = 'script', consumption = $1"
SETUP = "UPDATE login_setup SET setup = $1, environment = $2"


@dataclass
class ScriptFixture:
    """A stage of six files, launched by a script that submits three clusters of two jobs each."""

    house: SharedHouse
    db: Database
    plant: Factory
    stage_id: int
    journal: Path

    @classmethod
    async def make(
        cls, house: SharedHouse, db: Database, pool: Pool, **given: Any
    ) -> "ScriptFixture":
        """`given` goes to the script, but for what is the stage's."""
        await db.execute(OF_ITS_OWN)
        plant = await Factory.make(db)
        dataset = await plant.dataset("raw")
        texts = {f"f_{n}.txt": f"{n}\n" for n in range(6)}
        await plant.files(dataset, house.store / "raw", texts)
        journal = house.tmp / "journal"
        program = house.tmp / "submit.py"
        program.write_text(SCRIPT)
        consumption = given.pop("consumption", "payload")
        stage: dict[str, Any] = {"patterns": ["proc_*"], "resources": SMALL}
        stage |= {name: given.pop(name) for name in ("completion", "patterns") if name in given}
        words = {
            "journal": str(journal),
            "executable": "@LAUNCH@/run",
            "job": " ".join(house.job("proc", *given.pop("bad", ()))),
            "as": build_user_prefix(pool),
            "words": [],
            "more": [NUMBERED] * 3,
            "silence_s": 0,
            **given,
        }
        stage_id = await plant.stage(
            "proc", [sys.executable, "-I", str(program), json.dumps(words)], dataset_id=dataset,
            recoveries=[{"type": "consumed_status", "rounds": 2}],
            **stage,
        )  # fmt: skip
        await db.execute("UPDATE stage SET batch_system = 'htcondor'")
        await db.execute(KIND, consumption)
        await allow_scripts_to_submit(house, db, pool, ["export SET_UP=1"])
        return cls(house, db, plant, stage_id, journal)

    async def launch(self) -> int:
        outcome = await slices.launch_next(
            self.db, self.stage_id, LaunchRequest(self.plant.person_id)
        )
        assert outcome.submission is not None, outcome.why
        return outcome.submission.id

    def noted(self, what: str) -> int:
        """How often the scripts themselves have noted it."""
        said = self.journal.read_text() if self.journal.exists() else ""
        return sum(line.split()[1] == what for line in said.splitlines())

    def of(self, submission_id: int) -> list[str]:
        """What the scripts of one submission have noted."""
        lines = (line.split() for line in self.journal.read_text().splitlines())
        return [what for id, what in lines if int(id) == submission_id]

    async def output(self, submission_id: int) -> str:
        rows = await self.db.fetch(
            "SELECT text FROM launch_output WHERE submission_id = $1 ORDER BY sequence",
            submission_id,
        )
        return "\n".join(row["text"] for row in rows)

    async def value(self, what: str, submission_id: int) -> Any:
        """One column of a submission."""
        return await self.db.fetchval(f"SELECT {what} FROM submission WHERE id = $1", submission_id)

    async def settled(self) -> bool:
        """Nothing goes on any more."""
        return not await self.db.fetchval(
            "SELECT count(*) FROM submission WHERE ended_at IS NULL OR advanced_at IS NULL OR check_at IS NOT NULL"
        )

    async def count_done(self) -> int:
        return int(await self.db.fetchval("SELECT count(*) FROM input_file WHERE outcome = 'done'"))


async def allow_scripts_to_submit(
    house: SharedHouse, db: Database, pool: Pool, setup: list[str]
) -> None:
    """Give the login setup what its scripts need to submit to the pool."""
    tokens = pool.token(house.tmp / "tokens")
    for path in (tokens, *tokens.iterdir()):
        home.give_ownership(path, pool.run_as)
    environment = {
        "CONDOR_CONFIG": str(pool.folder / "config"),
        "_CONDOR_SEC_CLIENT_AUTHENTICATION_METHODS": "IDTOKENS",
        "_CONDOR_SEC_TOKEN_DIRECTORY": str(tokens),
        "_CONDOR_SEC_TOKEN_POOL_SIGNING_KEY_FILE": "/nowhere",
        "PATH": f"{pool.condor}/usr/bin:{os.environ['PATH']}",
    }
    await db.execute(SETUP, setup, environment)
    # HTCondor takes no jobs of an account that can't read its token: the workers' own is allowed in tests.
    await db.execute("UPDATE launch_host SET account = $1", getpass.getuser())


def build_user_prefix(pool: Pool) -> list[str]:
    """HTCondor takes no jobs from root."""
    if pool.run_as is None:
        return []
    uid, gid = pool.run_as
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]


SSHD = "/usr/sbin/sshd"
needs_sshd = pytest.mark.skipif(
    not Path(SSHD).exists(), reason=f"no {SSHD}: it comes with `apt-get install openssh-server`"
)
SERVER = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/person.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
PermitUserEnvironment no
"""
CLIENT = """
IdentityFile {folder}/person
IdentitiesOnly yes
UserKnownHostsFile {folder}/known
"""


@contextmanager
def run_sshd(folder: Path) -> Iterator[tuple[int, Path]]:
    """A server on loopback where who runs the tests may log in: its port, and the configuration with which."""
    folder.mkdir(mode=0o700)
    port = find_free_port()
    for name in ("host", "person"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True
        )
    key = (folder / "host.pub").read_text()
    (folder / "known").write_text(f"[127.0.0.1]:{port} {key}")
    (folder / "server").write_text(SERVER.format(port=port, folder=folder))
    (folder / "client").write_text(CLIENT.format(folder=folder))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        server = children.spawn_process([SSHD, "-D", "-e", "-f", folder / "server"], err=log)
    try:
        wait_until(lambda: is_answering(port), what="sshd")
        yield port, folder / "client"
    finally:
        server.terminate()
        server.wait(10)


def make_own_keys(folder: Path, experiment_id: int, configuration: Path) -> Path:
    """The keys of an experiment, for which the operator says that `far` is this machine."""
    own = folder / f"e{experiment_id}"
    own.mkdir(parents=True)
    (own / "config").write_text(f"{configuration.read_text()}\nHost far\n  HostName 127.0.0.1\n")
    shutil.copy(configuration.parent / "person", own / "id")
    return folder


def is_answering(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
