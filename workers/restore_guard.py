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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from db.batch import restores
from domain.batch.installations import InstallationIdentity, InstallationSite
from domain.batch.restores import HighWaterMark, is_older, merge_marks
from workers.failpoints import wrap_failpoints
from workers.tools import WorkerTools, log

NAME, LOCK_S = "launched.json", 10.0


@dataclass(frozen=True, slots=True)
class SpoolMemory:
    """What a spool remembers: how far its installation had come, and whose it is; None what it doesn't say yet."""

    tide: HighWaterMark | None = None
    identity: InstallationIdentity | None = None


def _read_memory(spool: Path) -> SpoolMemory:
    try:
        told = json.loads((spool / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not spool.is_dir():
            raise
        return SpoolMemory()
    tide = identity = None
    if "histories" in told:
        tide = HighWaterMark(tuple(told["histories"]), told["launches"], told["submissions"])
    if own := told.get("installation"):
        identity = InstallationIdentity(own["id"], InstallationSite(**own["site"]))
    return SpoolMemory(tide, identity)


def _write_memory(spool: Path, memory: SpoolMemory) -> None:
    """Remember it, whatever dies meanwhile."""
    tide, identity = memory.tide, memory.identity
    told = (asdict(tide) if tide else {}) | {"installation": identity and asdict(identity)}
    part = spool / f".{NAME}.{os.getpid()}"
    with part.open("w", encoding="utf-8") as file:
        json.dump(told, file)
        file.flush()
        os.fsync(file.fileno())
    part.rename(spool / NAME)
    folder = os.open(spool, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def lock_file(spool: Path) -> IO[str]:
    """What is locked; it is made once and never written, so that it tells the spool from copies of it.

    The spool itself is made by nobody who has had one: raises FileNotFoundError where it is away.
    """
    return (spool / f".{NAME}.lock").open("a")


async def read_spool_memory(tools: WorkerTools) -> SpoolMemory:
    """What the spool remembers; raises OSError, LaneUnavailable."""
    return await tools.lanes.spool.call(lambda: _read_memory(tools.spool))


async def remember_in_spool(
    tools: WorkerTools, tide: HighWaterMark | None, identity: InstallationIdentity | None
) -> None:
    """Write both into the spool; raises OSError, LaneUnavailable."""
    await tools.lanes.spool.call(lambda: _write_memory(tools.spool, SpoolMemory(tide, identity)))


@asynccontextmanager
async def lock_spool(tools: WorkerTools) -> AsyncIterator[None]:
    """One at a time of all workers that share the spool; raises TimeoutError, LaneUnavailable."""
    spool = tools.spool
    with await tools.lanes.spool.call(lambda: lock_file(spool)) as lock:
        until = time.monotonic() + LOCK_S
        while True:
            with suppress(BlockingIOError):
                await tools.lanes.spool.call(
                    lambda: fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                )
                break
            if time.monotonic() > until:
                raise TimeoutError(f"{spool / NAME} is locked")
            await asyncio.sleep(0.005)
        yield


async def notice_restore(tools: WorkerTools) -> None:
    """Notice a restored database, and begin a new history in it."""
    # Read before the database is asked: it counts first, so that it is never behind by itself.
    kept = (await read_spool_memory(tools)).tide
    if is_older(await restores.read_high_water_mark(tools.db), kept):
        await _begin_again(tools)
    elif kept is None:
        await keep_high_water_mark(tools)


async def _begin_again(tools: WorkerTools) -> None:
    async with lock_spool(tools):
        kept = (await read_spool_memory(tools)).tide
        if not is_older(await restores.read_high_water_mark(tools.db), kept):
            return
        log.error(
            "the database has forgotten launches, as one that was restored from a dump: nothing is"
            " launched before what the batch systems have is known"
        )
        async with (
            wrap_failpoints("restore_guard.restore"),
            tools.db.acquire() as conn,
            conn.transaction(),
        ):
            await restores.begin_again(conn, kept)
        for system in tools.systems.values():
            await system.look_back()
        now = await restores.read_high_water_mark(tools.db)
        await remember_in_spool(
            tools, merge_marks(now, kept) if kept else now, tools.guard.identity
        )


async def keep_high_water_mark(tools: WorkerTools) -> bool:
    """Remember how far the database has come, before each submission; False when it has been replaced."""
    async with lock_spool(tools):
        memory, now = await read_spool_memory(tools), await restores.read_high_water_mark(tools.db)
        kept = memory.tide
        if memory.identity != tools.guard.identity or (kept and is_older(now, kept)):
            return False
        async with wrap_failpoints("restore_guard.keep"):
            await remember_in_spool(
                tools, merge_marks(now, kept) if kept else now, tools.guard.identity
            )
    return True
