"""Two API processes and two workers by one command; each dies while a campaign runs and somebody watches."""

import asyncio
import json
import os
import re
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from db.reach import ALL, TELL
from domain.changes import ChangeKind
from tests.test_make_run import list_children, start_house

WATCH = """
    subscription ($after: String) { changes(after: $after) {
      __typename ... on Change { cursor kind subjectId } ... on Heartbeat { cursor } } }
"""
POSITIONS = "SELECT kind FROM change WHERE position > 0 ORDER BY position"


@dataclass
class Watcher:
    """Somebody who comes back at the other address with the cursor, whenever the one they had is gone."""

    addresses: list[str]
    token: str
    cursor: str | None = None
    kinds: list[str] = field(default_factory=list)
    cursors: list[str] = field(default_factory=list)
    codes: list[int | None] = field(default_factory=list)
    """With which the connections were closed; None: without a word."""

    @property
    def turn(self) -> int:
        return len(self.codes) % len(self.addresses)

    async def watch(self) -> None:
        while True:
            try:
                async with self.listening(self.addresses[self.turn]) as socket:
                    async for text in socket:
                        self.take(json.loads(text))
            except ConnectionClosed as closed:
                self.codes.append(closed.rcvd.code if closed.rcvd else None)
            except OSError:
                self.codes.append(None)
                await asyncio.sleep(0.1)

    @asynccontextmanager
    async def listening(self, address: str) -> AsyncIterator[ClientConnection]:
        protocol = [Subprotocol("graphql-transport-ws")]
        async with connect(f"ws://{address}/graphql", subprotocols=protocol) as socket:
            payload: dict[str, Any] = {"authorization": f"Bearer {self.token}"}
            await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            payload = {"query": WATCH, "variables": {"after": self.cursor}}
            assert json.loads(await socket.recv())["type"] == "connection_ack"
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
            yield socket

    def take(self, message: dict[str, Any]) -> None:
        assert message["type"] == "next", message
        item = message["payload"]["data"]["changes"]
        assert "cursor" in item, item
        self.cursor = item["cursor"]
        if item["__typename"] != "Heartbeat":
            self.kinds.append(item["kind"])
            self.cursors.append(item["cursor"])


def list_services(parent: int, words: str) -> list[int]:
    return [pid for pid, command in list_children(parent) if words in command]


def read_start_time(pid: int) -> int:
    """When a process was started, in ticks since the boot: the numbers of processes begin again."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


async def wait_for_replacement(parent: int, words: str, how: signal.Signals) -> None:
    """The older one of two ends, and another comes in its place."""
    victim, _ = sorted(list_services(parent, words), key=read_start_time)
    os.kill(victim, how)
    deadline = time.monotonic() + 40
    while len(now := list_services(parent, words)) < 2 or victim in now:
        assert time.monotonic() < deadline, f"{words} did not come back"
        await asyncio.sleep(0.05)


async def wait_until_said(said: Path, words: str, within: float = 300) -> str:
    deadline = time.monotonic() + within
    while words not in (text := said.read_text()):
        assert time.monotonic() < deadline, text
        await asyncio.sleep(0.05)
    return text


@pytest.mark.timeout(900)
async def test_each_of_two_apis_and_workers_dies_and_a_watcher_sees_each_change_once(
    service_home: Path,
) -> None:
    home, said = service_home / "several", service_home / "several.said"
    home.mkdir()
    with said.open("w") as out:
        service = start_house(home, out, POMS_APIS="2", POMS_WORKERS="2", POMS_EXAMPLE_JOBS="12")
    try:
        text = await wait_until_said(said, "generate ")
        found = re.findall(r"http://([\d.]+:\d+)/#token=(\S+)", text)
        assert len({address for address, _ in found}) == 2
        watcher = Watcher([address for address, _ in found], found[0][1])
        watching = asyncio.create_task(watcher.watch())
        first = await read_head(home)
        for how in (signal.SIGKILL, signal.SIGTERM):
            for words in ("uvicorn", "-m workers"):
                await wait_for_replacement(service.pid, words, how)
        text = await wait_until_said(said, "It runs until", within=600)
        assert "agree exactly" in text, text
        assert await check_seen_once(home, watcher, first), (watcher.kinds, text)
        assert not watching.done()
        watching.cancel()
        assert 1001 in watcher.codes or 1012 in watcher.codes, watcher.codes
        assert len(watcher.codes) >= 2
        workers_log = (home / "log/worker.log").read_text() + (
            home / "log/worker-2.log"
        ).read_text()
        assert "stopping: the steps in hand are finished" in workers_log
    finally:
        service.send_signal(signal.SIGINT)
        service.wait(60)
    assert service.returncode == 0


async def connect_database(home: Path) -> "asyncpg.Connection[asyncpg.Record]":
    found = re.search(r"^POMS_DATABASE_URL=(.*)$", (home / "env").read_text(), re.MULTILINE)
    assert found is not None
    conn = await asyncpg.connect(found[1].strip("'\""))
    await conn.execute(TELL, ALL)  # it is the API's role, which reaches nothing before it says what
    return conn


async def read_head(home: Path) -> int:
    conn = await connect_database(home)
    try:
        return int(await conn.fetchval("SELECT position FROM change_head"))
    finally:
        await conn.close()


async def check_seen_once(home: Path, watcher: Watcher, since: int) -> bool:
    """All that happened since, as the database has it, in its order; waits for what is still on its way."""
    conn = await connect_database(home)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            rows = await conn.fetch(POSITIONS)
            kinds = [ChangeKind(row["kind"]).name for row in rows]
            # It began to watch a little before or after `since`, and has all from there on.
            if watcher.kinds and kinds[-len(watcher.kinds) :] == watcher.kinds:
                assert len(set(watcher.cursors)) == len(watcher.cursors)
                return len(watcher.kinds) >= len(kinds) - since - 50
            await asyncio.sleep(0.2)
        return False
    finally:
        await conn.close()
