"""Archive what is older than it is kept, and drop it then: a part of a table at a time, on one worker.

Killed anywhere, nothing is lost and nothing is doubled: a file is written beside and read again, gets its name, is
recorded; only what is recorded, is there, and is still the same in the database is dropped, in one transaction.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

from db import leases, loop_progress, retention
from db.pool import Pool
from db.retention import SUBMISSION_PARTS, ArchivedPart, PartChanged
from lanes import Lane
from workers.archive_files import ArchiveFileError, ArchiveWriter, read_archive_file
from workers.failpoints import wrap_failpoints
from workers.leases import keep_lease
from workers.tools import WorkerTools, log

EVERY_S = 600.0
LEASE = 8
"""So many times the usual lease: who died while it archived costs so much."""
READ_S = 3600.0
"""How long a file may take to be written to the disk and read again."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is dropped together once it is old: how it is found, of which tables, and how it is dropped."""

    days: int
    parents: tuple[str, ...]
    find: Callable[[Pool, int], Awaitable[int | None]]
    drop: Callable[[Pool, int, int], Awaitable[bool]]


class Retention:
    """Remembers only when it last looked."""

    def __init__(self, keep_days: int, keep_changes_days: int, archive: Path | None) -> None:
        """Days of 0 keep for good; without a folder for the archive nothing is dropped."""
        details = Kept(
            keep_days, SUBMISSION_PARTS, retention.find_old_submissions, retention.drop_submissions
        )
        changes = Kept(
            keep_changes_days, ("change",), retention.find_old_changes, retention.drop_changes
        )
        self._kept = [kept for kept in (details, changes) if kept.days and archive]
        self._archive = archive or Path()
        self._lane = Lane("archive", READ_S, at_once=1)
        self._looked_at = float("-inf")

    async def step(self, tools: WorkerTools) -> bool:
        """Archive and drop the next part, if it is time and nobody else does; true when there may be more."""
        if not self._kept or monotonic() - self._looked_at < EVERY_S:
            return False
        epoch = await leases.claim(tools.db, "retention", tools.holder, LEASE * tools.lease_s)
        if epoch is None:
            return False

        async def renew(mine: int) -> int | None:
            await loop_progress.record(tools.db, "retention", tools.holder)  # a part may take long
            renewed = await leases.renew_lease(tools.db, "retention", mine, LEASE * tools.lease_s)
            return mine if renewed else None

        try:
            async with keep_lease("retention", epoch, renew, LEASE * tools.lease_s / 3):
                dropped = [await self._drop_next(tools, kept) for kept in self._kept]
        finally:
            await leases.release(tools.db, "retention", epoch)
        if not any(dropped):
            self._looked_at = monotonic()
        return any(dropped)

    async def _drop_next(self, tools: WorkerTools, kept: Kept) -> bool:
        number = await kept.find(tools.db, kept.days)
        if number is None:
            return False
        for parent in kept.parents:
            await self._archive_part(tools, parent, number)
        try:
            async with wrap_failpoints("retention.drop"):
                dropped = await kept.drop(tools.db, number, kept.days)
        except PartChanged as changed:
            log.warning("it is archived anew: %s", changed)
            await retention.forget_parts(tools.db, kept.parents, number)
            return False
        if dropped:
            log.info("dropped part %s of %s", number, ", ".join(kept.parents))
        return dropped

    async def _archive_part(self, tools: WorkerTools, parent: str, number: int) -> None:
        part = await retention.find_part(tools.db, parent, number)
        if part is not None and await self._lane.call(partial(is_there, self._archive, part)):
            return
        await retention.forget_parts(tools.db, (parent,), number)
        folder = await retention.find_folder(tools.db)
        name = f"{folder}/{parent}_{number:06}.csv.gz"
        writer = await self._lane.call(partial(ArchiveWriter, self._archive / name))
        try:
            rows, fingerprint = await retention.copy_part(
                tools.db, parent, number, lambda data: self._lane.call(partial(writer.write, data))
            )
            facts = await self._lane.call(partial(writer.finish, rows))
            async with wrap_failpoints("retention.publish"):
                await self._lane.call(writer.publish)
        finally:
            writer.close()
        async with wrap_failpoints("retention.record"):
            await retention.record_part(
                tools.db,
                ArchivedPart(parent, number, name, rows, fingerprint, facts.sha256, facts.bytes),
            )


def is_there(archive: Path, part: ArchivedPart) -> bool:
    """Whether a file that was recorded is still what it was; one that is not is written anew."""
    try:
        facts = read_archive_file(archive / part.file)
    except (OSError, EOFError, ArchiveFileError) as wrong:
        log.warning("%s of the archive is written anew: %s", part.file, wrong)
        return False
    return (facts.row_count, facts.sha256) == (part.row_count, part.sha256)
