"""The local batch system with each wall that it knows, attacked by its own jobs."""

import codecs
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from batch import Launch
from domain.submissions.jobs import JobActionVerb
from tests.batch.batch_fixtures import ROOT, LocalFixture
from up import home
from up.children import UnixAccount

ORDINARY = 12345
"""The uid of an ordinary user, where tests run as root."""
SECRET = "a-secret-of-the-service"
BOTH, ACCOUNTS, SPACES, NEITHER = "accounts and namespaces", "accounts", "namespaces", "none"
_USER = ["setpriv", "--reuid", str(ORDINARY), "--regid", str(ORDINARY), "--clear-groups"]
# In another root folder, though it shows the same, no user has spaces of his own.
_ELSEWHERE = ["unshare", "-m", "sh", "-c", 'mount --rbind / "$0" && exec chroot "$0" "$@"']
PREFIXES = {
    BOTH: [],
    ACCOUNTS: ["setpriv", "--bounding-set", "-sys_admin"],
    SPACES: _USER if os.getuid() == 0 else [],
}


def find_python() -> str:
    """A Python that every account can reach."""
    for name in (sys.executable, "/usr/bin/python3"):
        if os.getuid() != 0:
            return name
        # setpriv itself still reaches what root does.
        asked = [*_USER, "sh", "-c", f'{name} -c "import tomllib"']
        if subprocess.run(asked, check=False, stderr=subprocess.DEVNULL).returncode == 0:
            return name
    return ""


class WalledFixture(LocalFixture):
    """One runner that has secrets in its environment, and what of the service lies around it."""

    def __init__(self, folder: Path, wall: str, prefix: list[str]) -> None:
        super().__init__(folder)
        self.wall, self.prefix = wall, prefix
        self.is_root = os.getuid() == 0 and "--reuid" not in prefix
        self.python = sys.executable if wall == BOTH else find_python()
        for name in ("home/env", "credentials/e2/token"):
            self._put(name, SECRET, 0o600)
        (self.folder / "store").mkdir()
        for path in (self.folder / "store", self.spool):
            path.chmod(0o700)
        if os.getuid() == 0 and not self.is_root:
            for path in (self.folder, *self.folder.rglob("*")):
                home.give_ownership(path, UnixAccount(ORDINARY, ORDINARY))

    def _put(self, name: str, text: str, mode: int) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    @contextmanager
    def as_service(self) -> Iterator[None]:
        """Be who runs the runner, as workers are; all threads are."""
        if self.is_root:
            yield
            return
        codecs.lookup("ascii")  # where only root reads Python's library
        before = os.geteuid(), os.getegid()
        os.setegid(ORDINARY if before[0] == 0 else before[1])
        os.seteuid(ORDINARY if before[0] == 0 else before[0])
        try:
            yield
        finally:
            os.seteuid(before[0])
            os.setegid(before[1])

    def start(self, slots: int = 4, *more: str) -> subprocess.Popen[bytes]:
        words = ["-m", "batch.local", str(self.spool), "--slots", str(slots), "--die-with-parent"]
        words += [
            "--reads",
            f"{self.shared}:{self.folder}/home",
            "--hides",
            f"{self.folder}/home:{self.spool}/local",
        ]
        env = os.environ | {"POMS_SECRET": SECRET, "PYTHONPATH": str(ROOT)}
        command = [*self.prefix, self.python, *words, *more]
        self.runner = subprocess.Popen(command, cwd=ROOT, env=env)
        return self.runner

    def launch(self, mark: str, script: str, jobs: int = 1, **asked: Any) -> Launch:
        """By the mark's beginning it is experiment `e1`'s or another's."""
        number = int(mark[1])
        with self.as_service():
            launch = super().launch(mark, script, jobs, experiment=number, **asked)
        return replace(launch, experiment=f"e{number}")

    def store_of(self, mark: str, experiment: int = 0) -> Path:
        return super().store_of(mark, experiment or int(mark[1]))

    async def submit(self, launch: Launch) -> str:
        with self.as_service():
            return await super().submit(launch)

    async def open(self, native_id: str) -> None:
        with self.as_service():
            await super().open(native_id)

    async def act(
        self, verb: JobActionVerb, native_id: str, reason: str, numbers: Sequence[int] | None = None
    ) -> None:
        with self.as_service():
            await super().act(verb, native_id, reason, numbers)

    def lines(self, mark: str, number: int = 1) -> list[str]:
        """What a job said in its output."""
        return (self.store_of(mark) / f"{number}.1/{number}.out").read_text().splitlines()


def can_have_spaces(prefix: list[str]) -> bool:
    return subprocess.run([*prefix, "unshare", "-Ur", "true"], check=False).returncode == 0


def build_user_without_spaces(folder: Path) -> list[str]:
    """An ordinary user in whose place there are no namespaces."""
    folder.mkdir()
    return [*_ELSEWHERE, str(folder), *_USER]


def has_programs() -> bool:
    return all(map(shutil.which, ("setpriv", "unshare", "chroot")))
