"""A stand-in checkout: our own `up` and `db.migrate`, the smallest API and worker there are."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APP = """
import os
from pathlib import Path

BAD = Path("the app is broken")


def create():
    if BAD.exists():
        raise RuntimeError("no good")
    return app


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % os.getpid()})
"""
AUTH = "import os\nassert len(os.environ['POMS_SECRET']) > 32\nprint('a-token')\n"
WORKER = """
import os, subprocess, sys, time
from pathlib import Path
assert not {"POMS_SECRET", "POMS_SECRET_BEFORE", "POMS_METRICS_TOKEN"} & set(os.environ)
assert "poms_worker:" in os.environ["POMS_DATABASE_URL"] or "empty_" in os.environ["POMS_DATABASE_URL"]
assert not [name for name in os.environ if name.startswith("POMS_DATABASE_") and name != "POMS_DATABASE_URL"]
# What it leaves behind when it is killed, as a runner of local jobs would be.
left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
Path("worker.pids").write_text(f"{os.getpid()} {left.pid}")
print("worker begins", file=sys.stderr, flush=True)
time.sleep(300)
"""
EXAMPLE = """
import asyncio, asyncpg, os, shlex, sys
from pathlib import Path
assert not [name for name in os.environ if name.startswith(("POMS_DATABASE_", "POMS_REDIS_", "POMS_SECRET"))]
kept = dict(line.split("=", 1) for line in (Path(os.environ["POMS_STORE"]).parent / "env").read_text().split())
async def main():
    conn = await asyncpg.connect(*shlex.split(kept["POMS_DATABASE_URL"]))
    await conn.execute("INSERT INTO runs DEFAULT VALUES")
    print("example", *sys.argv[1:], await conn.fetchval("SELECT count(*) FROM runs"), flush=True)
asyncio.run(main())
"""
MIGRATION = """-- One table
-- depends:

-- migrate: apply

CREATE TABLE runs (id bigint GENERATED ALWAYS AS IDENTITY);
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'poms_api') THEN GRANT INSERT ON runs TO poms_api; END IF;
END $$;

-- migrate: rollback
"""


ROOMS = ("db/__init__.py", "db/migrate.py", "db/grants.py", "db/roles.py", "db/walls.py")


@dataclass
class Checkout:
    """A checkout that can be started, and what it said."""

    folder: Path
    home: Path
    output_file: Path
    env: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, **env: str) -> subprocess.Popen[bytes]:
        """Run `python -m up` in it, as `make run` does."""
        self.output_file.write_text("")
        with self.output_file.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "up"],
                cwd=self.folder,
                env={**os.environ, **self.env, **env},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.started.append(process)
        return process

    def says(self, words: str, within: float = 90) -> str:
        """Wait until it has said something; give everything it said."""
        wait_until(lambda: words in self.text, within=within, what=lambda: self.text)
        return self.text

    @property
    def text(self) -> str:
        return self.output_file.read_text()

    def left_running(self) -> list[int]:
        """The processes that have the checkout as their working folder, or its home in a word."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().decode(errors="replace")
                here = os.readlink(process / "cwd")
            except OSError:
                continue
            if words and (here.startswith(str(self.folder)) or str(self.home) in words):
                found.append(int(process.name))
        return found


def wait_until(
    condition: Callable[[], object],
    *,
    within: float = 20,
    what: Callable[[], str] = lambda: "",
) -> None:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"did not happen within {within} s: {what()}")
        time.sleep(0.02)


def make_stub_checkout(folder: Path, home: Path) -> Checkout:
    """Write a stand-in checkout."""
    checkout = folder / "checkout"
    write_file(checkout / "app.py", APP)
    write_file(checkout / "auth.py", AUTH)
    write_file(checkout / "workers" / "__main__.py", WORKER)
    write_file(checkout / "examples" / "run.py", EXAMPLE)
    write_file(checkout / "db" / "migrations" / "0001_initial.sql", MIGRATION)
    for name in ("up", "batch", "domain", "door", "log_lines.py", "settings.py", *ROOMS):
        (checkout / name).symlink_to(ROOT / name)
    env = {"POMS_HOME": str(home), "POMS_PORT": "0", "POMS_EXAMPLE": "off"}
    return Checkout(checkout, home, folder / "said", env)


def write_file(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
