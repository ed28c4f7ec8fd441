"""POMS served on loopback, for the client and the command."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from db.pool import Pool
from poms import Client
from settings import Settings
from tests.resolvers.conftest import PEOPLE
from tests.served import SECRET, serving, token


@pytest.fixture
async def settings(db: Pool, database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    await db.execute(PEOPLE)
    return Settings(database_url, redis_url, SECRET, tmp_path / "spool", tmp_path / "store")


@pytest.fixture
async def url(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as address:
        yield f"http://{address}"


@pytest.fixture
async def client(url: str) -> AsyncIterator[Client]:
    async with Client(url, token("anna")) as made:
        yield made


ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Poms = Callable[..., Awaitable[Ended]]


@pytest.fixture
def poms(url: str, tmp_path: Path) -> Poms:
    """Runs the command as anna."""

    async def run(*words: str, stdin: str = "", **env: str) -> Ended:
        kept = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        given = {"POMS_URL": url, "POMS_TOKEN": token("anna"), **env}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "poms", *words,
            env=kept | {name: value for name, value in given.items() if value},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate(stdin.encode())
        return Ended(process.returncode or 0, out.decode(), err.decode())

    return run
