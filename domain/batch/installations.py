"""Whether a database and a spool are those that belong together, or one of them is a copy."""

from dataclasses import dataclass
from enum import StrEnum


class InstallationAnswer(StrEnum):
    """What a service admin says of an installation that finds itself elsewhere."""

    MOVED = "moved"
    """It is the same one, and no other is left: it goes on."""
    COPY = "copy"
    """It is another one: it forgets what is under way, which its original goes on with."""


@dataclass(frozen=True, slots=True)
class InstallationSite:
    """Where an installation is, as far as it can be told from what a copy has too."""

    database: str
    """The database cluster's system identifier, and the database's oid."""
    spool: str
    """Inode and time of change of the spool's lock file: a copied file never has both."""
    place: str
    """Machine, root file system and path of the spool; empty where there is no telling of machines."""

    def has_spool_of(self, other: "InstallationSite") -> bool:
        """Whether both have one spool: itself, moved or not, or what was put back at its place."""
        return self.spool == other.spool or (bool(self.place) and self.place == other.place)


@dataclass(frozen=True, slots=True)
class InstallationIdentity:
    """What an installation has recorded of itself, in its database and again in its spool."""

    id: str
    site: InstallationSite


def find_doubt(
    here: InstallationSite,
    database: InstallationIdentity | None,
    spool: InstallationIdentity | None,
    *,
    has_launched: bool,
) -> str:
    """Why this may be a copy of an installation, or nothing; `database` and `spool`: what these say.

    The spool decides, which stays where it is when a database is restored from a dump.
    """
    if spool is None:
        return EMPTY if database is not None and has_launched else ""
    if not here.has_spool_of(spool.site):
        return ELSEWHERE
    return OTHER if database is not None and database.id != spool.id else ""


EMPTY = "the database has launched, and its spool is a new one"
ELSEWHERE = "the spool was moved or copied"
OTHER = "the database and the spool are of different installations"
