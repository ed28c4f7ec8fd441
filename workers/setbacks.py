"""One bad thing stops nobody else: what a loop fails at is set aside for a while, and the loop goes on."""

import errno
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import log_lines
import metrics
from batch import BatchUnavailable
from catalogs import CatalogUnavailable
from db import setbacks
from db.pool import IN_NEED, describe_error
from db.setbacks import SetbackSubject
from lanes import LaneUnavailable
from workers.failpoints import wrap_failpoints
from workers.tools import WorkerTools, log


class ThingInHand:
    """What a loop has taken and not done yet; nothing, until it is named."""

    def __init__(self) -> None:
        self.subject: SetbackSubject | None = None
        self.has_failed = False
        self.let_go: Callable[[str], Awaitable[object]] | None = None
        """Ends the time for which it was taken, given the error's words: its setback alone says when it is tried."""

    def name(self, name: str, **whose: int | None) -> None:
        """Say what has been taken, as clients know it, and whose it is: see `SetbackSubject`."""
        self.subject = SetbackSubject(name, **whose)
        log_lines.add_subjects(subject=name)

    def name_submission(self, submission_id: int) -> None:
        """Say which submission has been taken."""
        self.name(f"submission:{submission_id}", submission_id=submission_id)

    def hand_over(self) -> None:
        """Somebody else does it: it is neither done nor failed here."""
        self.subject = None


@asynccontextmanager
async def hold_thing(tools: WorkerTools, loop: str) -> AsyncIterator[ThingInHand]:
    """Do one thing: where it raises, that is noted, with when it is tried again, and nothing is raised here.

    Statements that take something leave out what waits for its time (`setbacks.leave_out`). What fails before it is
    named, or while the database can't even note it, is the loop's own failure.
    """
    with log_lines.name_subjects():
        async with _note_setback(tools, loop) as thing:
            yield thing


@asynccontextmanager
async def _note_setback(tools: WorkerTools, loop: str) -> AsyncIterator[ThingInHand]:
    thing = ThingInHand()
    try:
        yield thing
    except Exception as error:
        if thing.subject is None or is_of_the_house(error):
            raise
        thing.has_failed = True
        async with wrap_failpoints("setback.note"):
            await setbacks.record(tools.db, loop, thing.subject, describe_error(error))
        if thing.let_go is not None:
            with suppress(Exception):  # it ends by itself
                await thing.let_go(describe_error(error))
        metrics.SETBACKS.labels(loop).inc()
        log.exception("%s failed at %s, which is set aside", loop, thing.subject.name)
        await tools.ring()
    else:
        if thing.subject is not None:
            async with wrap_failpoints("setback.clear"):
                await setbacks.clear_setback(tools.db, loop, thing.subject)


def is_of_the_house(error: Exception) -> bool:
    """Whether a disk, the database, a batch system or this process is at fault: the next thing would meet it, too."""
    return isinstance(error, AWAY) or (isinstance(error, OSError) and error.errno in FULL_OR_AWAY)


AWAY = (ConnectionError, BatchUnavailable, CatalogUnavailable, LaneUnavailable, *IN_NEED)
FULL_OR_AWAY = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOMEM),
        *(errno.EMFILE, errno.ENFILE, errno.ENODEV, errno.ENOTCONN),
    }
)
