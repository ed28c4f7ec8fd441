"""How a database that was restored from an old dump is told from one that was not."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HighWaterMark:
    """How far an installation has come: what a database says of itself, and what is kept beside it."""

    histories: tuple[str, ...]
    """All that it has had, the present one last."""
    launches: int
    """Numbers given to launch attempts."""
    submissions: int
    """The highest id of one."""

    @property
    def history(self) -> str:
        """The present one."""
        return self.histories[-1]


def is_older(database: HighWaterMark, kept: HighWaterMark | None) -> bool:
    """Whether a database has forgotten launches: it was restored from a dump, or moved to another spool.

    What is kept is written before each submission, and after the database has counted the attempt: a
    database that was never replaced is never behind it.
    """
    if kept is None:
        return database.launches > 0
    return database.history != kept.history or database.launches < kept.launches


def merge_marks(one: HighWaterMark, other: HighWaterMark) -> HighWaterMark:
    """What two who have come differently far know together; the first one's present history stays it."""
    past = [history for history in other.histories if history not in one.histories]
    return HighWaterMark(
        (*past, *one.histories),
        max(one.launches, other.launches),
        max(one.submissions, other.submissions),
    )
