"""What may happen to an experiment, and to what people ask of it, as a client sees it."""

from door.describe import declare_object_type
from schema.submissions.change_types import Change


@declare_object_type
class ExperimentChange(Change):
    """An experiment was made."""

    name: str
    """What it is called."""


@declare_object_type
class FoldersChange(Change):
    """The files of an experiment may lie in other folders."""

    folders: list[str]
    """The folders, besides its own."""


@declare_object_type
class LinksChange(Change):
    """An experiment has other links to what knows more of its things."""

    links: list[str]
    """All of them since: subject, title and template of each."""


@declare_object_type
class SummariesChange(Change):
    """An experiment wants other numbers asked of its monitors."""

    summaries: list[str]
    """All of them since: subject, title, source, address and query of each."""


@declare_object_type
class SummaryChange(Change):
    """A monitor has told a number of the subject, another than before."""

    title: str
    """What the number is called."""
    value: float | None
    """The number; null: its source knows none."""


@declare_object_type
class ApprovalRulesChange(Change):
    """An experiment has other rules of who has to agree to launches."""

    rules: list[str]
    """Their names since."""


@declare_object_type
class RequestChange(Change):
    """Something happened to a request."""

    number: int
    """What people call it by: the second half of `nova-142`."""
    title: str
    """What it is about."""
    revision: int
    """At which of its revisions."""
