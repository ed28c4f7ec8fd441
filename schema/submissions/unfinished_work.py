"""What of a submission is not done."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from db.submissions import (
    completion,
    deadlines,
    recovery_chain,
    submission_listings,
    submissions,
)
from domain.campaigns.stages import Completion
from door.describe import declare_object_type
from schema.context import Info
from schema.fields import declare_query
from schema.submissions.accounts import Account, load_family_account

if TYPE_CHECKING:
    from schema.launching.late_files import LateFiles
    from schema.recovery.recovery_attempts import RecoveryAttempt
    from schema.submissions.submissions import Submission

MOST_MISSING = 100


@declare_object_type
class MissingItem:
    """Something that a submission still owes."""

    name: str
    """Of an output that nobody has seen, or of an input (of a generator: unit) that is not done or lacks results."""
    is_output: bool
    """The one, or the other."""
    why: str
    """What is known of it."""


@declare_object_type
class Silence:
    """A batch system tells nothing of a submission, though it is asked."""

    since: datetime
    """Since when."""
    answer: str
    """What it answers."""


async def _list_missing_patterns(
    info: Info, family: Sequence[submissions.Submission], most: int
) -> list[MissingItem]:
    """What is done and has, for a pattern that completion wants, no located output."""
    if family[0].runs_with.completion is not Completion.LOCATED:
        return []
    wanted = await completion.find_wanted(info.context.db, family[0], family)
    return [
        MissingItem(name=one.name, is_output=False, why=f"no located output matches {one.pattern}")
        for one in await completion.list_lacking(info.context.db, wanted, most)
    ]


@declare_object_type
class UnfinishedWork:
    """What every submission says of what is not done."""

    row: strawberry.Private[submissions.Submission]

    @declare_query()
    async def recoveries(
        self, info: Info
    ) -> list[Annotated["Submission", strawberry.lazy("schema.submissions.submissions")]]:
        """Submissions that do its unfinished part again, oldest first."""
        from schema.submissions.submissions import list_related

        return await list_related(info, submission_listings.SubmissionFilter(origin_id=self.row.id))

    @declare_query()
    async def account(self, info: Info) -> Account:
        """What became of its inputs, and those of all its recoveries (of a recovery: of its origin's), each once."""
        return await load_family_account(info, self.row.family)

    @declare_query()
    async def missing(self, info: Info) -> list[MissingItem]:
        """What it and its recoveries still owe, by name; at most 100. All: `outputs`, `inputs`, `planRecovery`."""
        family = await recovery_chain.list_members(info.context.db, self.row.family)
        found = await deadlines.list_missing(
            info.context.db, [row.id for row in family], MOST_MISSING
        )
        shown = [MissingItem(name=one.name, is_output=one.is_output, why=one.why) for one in found]
        named = {one.name for one in found}
        lacking = await _list_missing_patterns(info, family, MOST_MISSING)
        return [*shown, *(one for one in lacking if one.name not in named)][:MOST_MISSING]

    @declare_query()
    async def silence(self) -> Silence | None:
        """Why nothing is heard of its jobs; null: they are heard of, or over."""
        since = self.row.silent_since
        return Silence(since=since, answer=self.row.silence) if since else None

    @declare_query()
    async def late_files(
        self, info: Info
    ) -> list[Annotated["LateFiles", strawberry.lazy("schema.launching.late_files")]]:
        """Files that came after its dependents were launched, or their set was complete, and wait: `launchLate`."""
        from schema.launching.late_files import list_late_files

        return await list_late_files(info, self.row.family)

    @declare_query()
    async def recovery_attempts(
        self, info: Info
    ) -> list[Annotated["RecoveryAttempt", strawberry.lazy("schema.recovery.recovery_attempts")]]:
        """Each recovery of it that was thought of, oldest first, and what came of it."""
        from schema.recovery.recovery_attempts import list_attempts

        return await list_attempts(info, self.row.id)
