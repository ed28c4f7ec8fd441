"""Real catalogs on loopback, each by the Python of a venv of its own, which `make catalogs` makes."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from tests.conftest import wait_until
from up.children import spawn_process
from up.ports import HOST, find_free_port

HERE = Path(__file__).parent
VENVS = HERE.parents[1] / ".pools" / "catalogs"


@dataclass(frozen=True)
class CatalogServer:
    """A catalog that runs."""

    url: str
    folder: Path
    """Its configuration and its log."""
    python: Path
    """Has the client of its makers, too."""
    database: str
    """A superuser's address of what it keeps."""

    def ask_official_client(self, words: str, **env: str) -> Any:
        """What a piece of Python prints as JSON that uses the client of the catalog's makers."""
        done = subprocess.run(
            [self.python, "-I", "-c", words], capture_output=True, text=True, timeout=120,
            env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"} | env,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def find_catalog_python(name: str) -> Path:
    """The Python that can run a catalog; without it tests are skipped, or fail where `POMS_POOLS` is `required`."""
    python = VENVS / name / "bin" / "python"
    if not python.exists():
        what = f"nothing in .pools/catalogs/{name}: run `make catalogs`"
        if os.environ.get("POMS_POOLS") == "required":
            pytest.fail(what)
        pytest.skip(what)
    return python


@contextmanager
def run_catalog(name: str, folder: Path, database: str) -> Iterator[CatalogServer]:
    """A server that runs `NAME_program.py` on an empty database, and is stopped in the end."""
    python, port = find_catalog_python(name), find_free_port()
    folder.mkdir()
    words: list[str | Path] = [
        python,
        "-I",
        HERE / f"{name}_program.py",
        folder,
        database,
        str(port),
    ]
    with (folder / "log").open("ab") as log:
        server = spawn_process(words, out=log, err=log)
    try:
        wait_until(
            lambda: _is_listening(port) or server.poll() is not None, what=f"start of {name}"
        )
        assert server.poll() is None, (folder / "log").read_text()
        yield CatalogServer(f"http://{HOST}:{port}", folder, python, database)
    finally:
        server.terminate()
        server.wait(timeout=20)


async def execute_statement(dsn: str, statement: str) -> None:
    """On a database of which no pool is open."""
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(statement)
    finally:
        await conn.close()


def name_database(admin: str, database: str) -> str:
    """A superuser's address of another database."""
    return urlunsplit(urlsplit(admin)._replace(path=f"/{database}"))


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
