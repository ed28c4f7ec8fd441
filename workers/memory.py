"""What is remembered beside the database, so that one that was restored from an old dump is noticed.

The file in the spool says how many launches there have been, and in which history. It is written before
each submission; a database that says less has forgotten some of them, and might launch them again.
"""

import asyncio
import fcntl
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO

from db import restores
from domain.restores import Tide, is_older, later
from workers.points import around
from workers.tools import Tools, log

NAME, LOCK_S = "launched.json", 10.0


def read(spool: Path) -> Tide | None:
    """What the file says; None where there is none yet."""
    try:
        told = json.loads((spool / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Tide(tuple(told["histories"]), told["launches"], told["submissions"])


def _write(spool: Path, tide: Tide) -> None:
    part = spool / f".{NAME}.{os.getpid()}"
    with part.open("w", encoding="utf-8") as file:
        json.dump(asdict(tide), file)
        file.flush()
        os.fsync(file.fileno())
    part.rename(spool / NAME)
    folder = os.open(spool, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _lock(spool: Path) -> IO[str]:
    spool.mkdir(parents=True, exist_ok=True)
    return (spool / f".{NAME}.lock").open("a")


@asynccontextmanager
async def _alone(spool: Path) -> AsyncIterator[None]:
    """One at a time of all workers that share the spool; raises TimeoutError."""
    with _lock(spool) as lock:
        until = time.monotonic() + LOCK_S
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() > until:
                raise TimeoutError(f"{spool / NAME} is locked")
            await asyncio.sleep(0.005)
        yield


async def notice(tools: Tools) -> None:
    """Notice a restored database, and begin a new history in it."""
    # Read before the database is asked: it counts first, so that it is never behind by itself.
    kept = read(tools.spool)
    if is_older(await restores.now(tools.db), kept):
        await _begin_again(tools)
    elif kept is None:
        await keep(tools)


async def held_back(tools: Tools) -> str | None:
    """Why nothing may be submitted now, or None."""
    await notice(tools)
    return await restores.held_back(tools.db, list(tools.systems))


async def _begin_again(tools: Tools) -> None:
    async with _alone(tools.spool):
        kept = read(tools.spool)
        if not is_older(await restores.now(tools.db), kept):
            return
        log.error(
            "the database has forgotten launches, as one that was restored from a dump: nothing is"
            " launched before what the batch systems have is known"
        )
        async with around("memory.restore"), tools.db.acquire() as conn, conn.transaction():
            await restores.begin_again(conn, kept)
        for system in tools.systems.values():
            await system.look_back()
        now = await restores.now(tools.db)
        _write(tools.spool, later(now, kept) if kept else now)


async def keep(tools: Tools) -> bool:
    """Remember how far the database has come, before each submission; False when it has been replaced."""
    async with _alone(tools.spool):
        kept = read(tools.spool)
        now = await restores.now(tools.db)
        if kept and is_older(now, kept):
            return False
        async with around("memory.keep"):
            _write(tools.spool, later(now, kept) if kept else now)
    return True
