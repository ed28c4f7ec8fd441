"""Whether this database and this spool are one installation's, or a copy of some: a copy never acts on clusters.

Both record whose they are. Where they don't fit any more, launches, repairs, actions and all that follows wait
until a service admin has said whether the installation was moved or copied.
"""

import os
from pathlib import Path
from uuid import uuid4

from db.batch import installations, restores
from db.batch.installations import InstallationRecord
from domain.batch.installations import (
    InstallationAnswer,
    InstallationIdentity,
    InstallationSite,
    find_doubt,
)
from domain.batch.restores import HighWaterMark
from workers import restore_guard
from workers.failpoints import wrap_failpoints
from workers.tools import WorkerTools, log

AWAY = "its spool is not there"
OTHERS = "workers of another database use its spool: stop them, or give this one a spool of its own"
MACHINE = Path("/etc/machine-id")


async def check_once(tools: WorkerTools) -> bool:
    """Look once; never more to do at once."""
    await check_installation(tools)
    return False


async def explain_hold(tools: WorkerTools, batch_system: str) -> str | None:
    """Why nothing may be submitted to a batch system now, or None."""
    if why := await check_installation(tools):
        return why
    await restore_guard.notice_restore(tools)
    if batch_system not in tools.systems:
        return None
    return await restores.explain_hold(tools.db, batch_system)


async def check_installation(tools: WorkerTools) -> str:
    """Why nothing may act on clusters now, or nothing; settles what can be settled."""
    recorded = await installations.read_record(tools.db)
    here = InstallationSite(recorded.fingerprint, "", "")
    try:
        here, is_held = await tools.lanes.spool.call(lambda: _look_at_spool(tools, recorded))
        why = await _check_recorded(tools, here, recorded) if is_held else OTHERS
    except FileNotFoundError:
        # It may go away while we look.
        why = AWAY
    if why and why != tools.guard.doubt:
        log.error("nothing is launched, and no cluster is touched: %s", why)
    if why:
        await installations.record_doubt(
            tools.db, why, here, is_answerable=why not in (AWAY, OTHERS)
        )
    elif recorded.seen_why:
        await installations.end_doubt(tools.db, here)
    tools.guard.doubt = why
    return why


def _look_at_spool(
    tools: WorkerTools, recorded: InstallationRecord
) -> tuple[InstallationSite, bool]:
    """Which spool is here, and whether it is held for this database; FileNotFoundError where one that was is not."""
    if recorded.identity is None:
        tools.spool.mkdir(parents=True, exist_ok=True)
    here = _read_site(tools.spool, recorded.fingerprint)
    return here, tools.guard.take(tools.spool, here.database)


def _read_site(spool: Path, fingerprint: str) -> InstallationSite:
    with restore_guard.lock_file(spool) as lock:
        its = os.fstat(lock.fileno())
    return InstallationSite(fingerprint, f"{its.st_ino}:{its.st_ctime_ns}", _read_place(spool))


def _read_place(spool: Path) -> str:
    """Containers of one machine have other root file systems."""
    machine = MACHINE.read_text(encoding="ascii").strip() if MACHINE.is_file() else ""
    root = os.stat("/")
    return f"{machine}:{root.st_dev}:{root.st_ino}:{spool.resolve()}" if machine else ""


async def _check_recorded(
    tools: WorkerTools, here: InstallationSite, recorded: InstallationRecord
) -> str:
    kept = (await restore_guard.read_spool_memory(tools)).identity
    settled = InstallationIdentity(recorded.id or "", here)
    if (
        _compare_recorded(recorded.identity, settled)
        and _compare_recorded(kept, settled)
        and not recorded.answer_for(here)
    ):
        tools.guard.identity = kept
        return ""
    async with restore_guard.lock_spool(tools):
        return await _settle_ownership(tools, here)


def _compare_recorded(said: InstallationIdentity | None, settled: InstallationIdentity) -> bool:
    """The place may be another one: workers of several machines share a spool."""
    return said is not None and (said.id, said.site.database, said.site.spool) == (
        settled.id,
        settled.site.database,
        settled.site.spool,
    )


async def _settle_ownership(tools: WorkerTools, here: InstallationSite) -> str:
    """Record whose database and spool these are, if there is no doubt, or it was answered."""
    recorded = await installations.read_record(tools.db)
    kept, answer = await restore_guard.read_spool_memory(tools), recorded.answer_for(here)
    why = find_doubt(here, recorded.identity, kept.identity, has_launched=recorded.has_launched)
    if answer is InstallationAnswer.COPY:
        await _become_another(tools, here)
    elif why and answer is InstallationAnswer.MOVED:
        await _record_new_place(tools, here, recorded, kept)
    elif why:
        tools.guard.release()
        return why
    else:
        known = [said.id for said in (recorded.identity, kept.identity) if said]
        identity = InstallationIdentity(known[0] if known else str(uuid4()), here)
        await _record_identity(tools, identity, kept.tide)
    return ""


async def _become_another(tools: WorkerTools, here: InstallationSite) -> None:
    """Forget all that is under way, and begin a history of its own; done again after a crash."""
    log.warning("this installation is a copy: it forgets what its original has under way")
    async with tools.db.acquire() as conn, conn.transaction():
        await installations.forget_original(conn)
    await _record_identity(
        tools,
        InstallationIdentity(str(uuid4()), here),
        await restores.read_high_water_mark(tools.db),
    )


async def _record_new_place(
    tools: WorkerTools,
    here: InstallationSite,
    recorded: InstallationRecord,
    kept: restore_guard.SpoolMemory,
) -> None:
    """The same installation at another place; what a spool that is not its own remembers is not its own, either."""
    tide, own, id = kept.tide, kept.identity, recorded.id
    if id and (own is None or own.id != id):
        async with tools.db.acquire() as conn, conn.transaction():
            await restores.begin_again(conn, None)
            await installations.read_anew(conn)
        tide = await restores.read_high_water_mark(tools.db)
    await _record_identity(
        tools, InstallationIdentity(id or (own.id if own else str(uuid4())), here), tide
    )


async def _record_identity(
    tools: WorkerTools, identity: InstallationIdentity, tide: HighWaterMark | None
) -> None:
    """In the spool first: the database's doubt, and the answer to it, are forgotten last."""
    await restore_guard.remember_in_spool(tools, tide, identity)
    async with wrap_failpoints("installation.record"):
        await installations.record_identity(tools.db, identity)
    tools.guard.identity = identity
