"""A launch in the catalog that has its files: they get a name there and, if jobs want one, a project hands them out."""

from datetime import timedelta
from enum import StrEnum

from domain.submissions.news import InputNews


class CatalogLaunchState(StrEnum):
    """How far a launch is in its catalog."""

    REQUESTED = "requested"
    """The catalog does not know it yet: nothing is launched before it does."""
    READY = "ready"
    """Its files have their name, and its project runs."""
    CONCLUDED = "concluded"
    """Its project is over, and what became of its files is known."""


LOOK = timedelta(minutes=1)
"""Between two looks at a project whose jobs run."""
FRESH = timedelta(minutes=1)
"""For so long what a catalog has told when all was over is taken for what it knows."""
FATES = {
    "waiting": ("waiting", "none", None),
    "delivered": ("delivered", "none", None),
    "consumed": ("consumed", "done", None),
    "failed": ("skipped", "failed", "the project says that it failed"),
}
"""What became of a file, as a catalog's project says it: delivery, outcome and reason."""
NOT_FINISHED = "it was handed out, and nobody told the project that it was done"
NOT_HANDED_OUT = "the project did not hand it out"


def make_fate(submission_id: int, number: int, file_id: int, state: str) -> InputNews:
    """What a project says of a file, as of an input; `state` is a word of `FATES`."""
    return InputNews(submission_id, number, file_id, *FATES[state])


def name_project(name: str, submission_id: int) -> str:
    """What the project of a launch is called: no other is, even if what its files are called comes again."""
    return f"{name}_{submission_id}"
