"""The installation, and the doubt whether it is one of its own, as a client sees them."""

from datetime import datetime
from typing import Annotated

import strawberry

from db.batch import installations
from domain.batch.installations import InstallationAnswer
from door.describe import declare_enum_type, declare_object_type
from schema.problems import Invalid, MutationProblem

declare_enum_type(InstallationAnswer)


@declare_object_type
class InstallationDoubt:
    """Why this may be a copy of an installation: nothing is launched and no cluster touched as long."""

    why: str
    """What does not fit."""
    since: datetime
    """When a worker noticed it."""
    answerable: bool
    """Whether `confirmInstallation` ends it; else it ends when its reason is gone."""
    answer: InstallationAnswer | None
    """What was answered; a worker acts on it within seconds."""


@declare_object_type
class Installation:
    """A database and a spool that belong together."""

    id: strawberry.ID | None
    """Unique to it; null until its first worker has started."""
    doubt: InstallationDoubt | None
    """Null while all is well."""

    @classmethod
    def of(cls, row: installations.Installation) -> "Installation":
        """Show a row."""
        doubt = None
        if row.why is not None and row.since is not None:
            doubt = InstallationDoubt(
                why=row.why, since=row.since, answerable=row.is_answerable, answer=row.answer
            )
        return cls(id=None if row.id is None else strawberry.ID(row.id), doubt=doubt)


ConfirmInstallationResult = Annotated[
    Installation | MutationProblem | Invalid, strawberry.union("ConfirmInstallationResult")
]
