"""Which errors of the driver say that the database itself can't do its work, whatever it was asked."""

from asyncpg import exceptions as errors

from domain.outages import OUTAGES, OutageCause, ServiceOutage


class DatabaseAway(ConnectionError):
    """No connection to the database can be made."""


CAUSES: tuple[tuple[OutageCause, tuple[type[BaseException], ...]], ...] = (
    (
        OutageCause.DATABASE_BUSY,
        (errors.TooManyConnectionsError, errors.DeadlockDetectedError, TimeoutError),
    ),
    (
        OutageCause.DATABASE_FULL,
        (errors.DiskFullError, errors.OutOfMemoryError, errors.PostgresIOError),
    ),
    (
        OutageCause.DATABASE_AWAY,
        (
            DatabaseAway,
            errors.PostgresConnectionError,
            errors.CannotConnectNowError,
            errors.AdminShutdownError,
            errors.CrashShutdownError,
            errors.ReadOnlySQLTransactionError,
            errors.ConnectionDoesNotExistError,
        ),
    ),
)
"""The first that fits counts."""


def find_outage(error: BaseException | None) -> ServiceOutage | None:
    """The outage behind an error, or None where it is a bug; looks through `raise … from …`."""
    while error is not None:
        for cause, types in CAUSES:
            if isinstance(error, types):
                return OUTAGES[cause]
        error = error.__cause__
    return None
